// Package console writes to people and to pipes: lists and documents in the formats of -o, a progress line, and what a
// terminal can show.
//
// Lists and documents are the server's own, unchanged, so that their fields are those of the API and as stable. A
// progress line is drawn again in place on a terminal, and is one line per change elsewhere. Text from outside is made
// harmless before a terminal gets it (Safe).
package console
