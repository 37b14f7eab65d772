// Package bench measures what a command costs on a server: drivers of this process join it, commands go to them alone
// and wait for their acks. Nobody else's driver is commanded, and no load is made; the entries stay in the server's
// log.
package bench
