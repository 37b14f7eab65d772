// Package web is the dashboard: server-rendered pages that are complete without JavaScript, and update live with it.
//
// A request is answered in three steps: a handler collects a [view.World] (roster, newest commands) and other data of
// the page from the log, package view turns it into texts and numbers, and package page turns those into HTML. No other
// package contains HTML.
//
// One table lists the pages (pages.go). A second table, built from it, lists everything that is served (routes.go).
//
// The context of each request says who sent it (swarm.PrincipalOf); without a principal nothing is served but the sign-in
// page and its assets. Live parts are rendered once for all viewers, so what depends on the visitor is outside them: the
// frame of the page (page.Chrome), field sets that disable the live forms in them, and fields that name their form.
//
// All pages are at / and below /ui/. The server's Host and Origin guard and its security headers
// (Content-Security-Policy: default-src 'self') apply to them, so they have no inline scripts and no inline styles.
package web

//go:generate go tool -modfile=../tools/go.mod templ generate
