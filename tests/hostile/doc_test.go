// Package hostile attacks a server with an auth file: frames that no WebSocket library would send, thousands of sockets
// that never register, and clients that are slow on purpose. Meanwhile a driver obeys commands, and none may be lost.
package hostile
