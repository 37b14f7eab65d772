// Package input parses user input: whole numbers in one notation only, and suggestions for misspelt names.
package input
