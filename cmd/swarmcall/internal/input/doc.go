// Package input reads what people type: whole numbers in one notation only, and names with what they may have meant.
package input
