// Package console writes output for people and for pipes: lists and documents in the formats of -o, and a progress
// line. It also detects what a terminal supports.
//
// Lists and documents come from the server unchanged, so that their fields are as stable as those of the API. On a
// terminal, a progress line is redrawn in place; elsewhere, each change is one line. Text from outside is escaped
// before it reaches a terminal (Safe).
package console
