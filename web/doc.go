// Package web is the dashboard: server-rendered pages that are complete without JavaScript, and update live with it.
//
// A request is answered in three steps: a handler collects a [view.World] (roster, newest commands) and other data of
// the page from the log, package view turns it into texts and numbers, and package page turns those into HTML. No other
// package contains HTML.
//
// One table lists the pages (pages.go). A second table, built from it, lists everything that is served (routes.go).
//
// All pages are at / and below /ui/. The server's Host and Origin guard and its security headers
// (Content-Security-Policy: default-src 'self') apply to them, so they have no inline scripts and no inline styles.
package web

//go:generate go tool -modfile=../tools/go.mod templ generate
