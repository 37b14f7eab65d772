// Package app joins the components of the server and defines the order in which they start and stop. It is the one
// package that uses all of them; tests start the same [Run] on port 0.
package app
