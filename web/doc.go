// Package web is the dashboard: server-rendered pages that are complete without JavaScript, and live with it.
//
// A request is answered in three steps: a handler takes a [view.World] (roster, newest commands) and what else the page
// needs from the log, package view turns it into words and numbers, package page into HTML. Nothing else knows HTML.
//
// Pages stand in one table (pages.go), and all that is served in another that is made from it (routes.go).
//
// All pages are at / and below /ui/. They are mounted behind the server's Host and Origin guard and its security
// headers (Content-Security-Policy: default-src 'self'), so there is no inline script and no inline style in them.
package web

//go:generate go tool -modfile=../tools/go.mod templ generate
