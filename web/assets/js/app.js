// The dashboard works without scripts; these make it live.
