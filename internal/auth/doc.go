// Package auth identifies who sends a request: by a token of the auth file, or by a session cookie that the dashboard
// got for a token. It also says what has become of somebody whom it identified before.
//
// A request passes Keeper.Identify once. Whatever lasts longer than a request, such as a stream or a driver's socket,
// asks Keeper.Standing again and again, or uses Keeper.Follow. The auth file is read again when it changes: Keeper.Run
// compares it every second. A file that is not valid changes nothing.
package auth
