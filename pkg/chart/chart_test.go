package chart

import (
	"bytes"
	"testing"
)

// TestOneRelease holds script, version and licence together: replacing one of
// them alone would ship a library under another's name.
func TestOneRelease(t *testing.T) {
	t.Parallel()
	if !bytes.Contains(Script, []byte("(v"+Version+")")) {
		t.Errorf("the script does not call itself version %s: %.100s", Version, Script)
	}
	if !bytes.Contains(License, []byte("Permission is hereby granted, free of charge")) {
		t.Error("the licence of uPlot is not the MIT licence")
	}
	for name, data := range map[string][]byte{"script": Script, "style": Style} {
		if bytes.Contains(bytes.ToLower(data), []byte("</")) {
			t.Errorf("the %s holds a closing tag: it could not be inlined in a page", name)
		}
	}
}
