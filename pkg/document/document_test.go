package document_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"raincheck/pkg/document"
)

func in16(order binary.AppendByteOrder, mark string, s string) string {
	var out []byte
	for _, u := range utf16.Encode([]rune(mark + s)) {
		out = order.AppendUint16(out, u)
	}
	return string(out)
}

// TestFilesOfEveryEditor: whatever an editor puts around a document, it is read.
func TestFilesOfEveryEditor(t *testing.T) {
	t.Parallel()
	const text = "{\"a\": \"ü 😀\",\n \"b\": [{\"a\": 1}, {\"a\": 2}], \"c\": {\"a\": {}}}\n"
	for name, data := range map[string]string{
		"plain": text, "a mark": "\ufeff" + text, "Windows": in16(binary.LittleEndian, "\ufeff", text),
		"the other order": in16(binary.BigEndian, "\ufeff", text), "without a mark": in16(binary.LittleEndian, "", text),
		"the other order without": in16(binary.BigEndian, "", text),
	} {
		if got, err := document.JSON([]byte(data)); err != nil || string(got) != text {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestWhatIsRefusedOfADocument names the line and the cure.
func TestWhatIsRefusedOfADocument(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		"{\"a\": 1,\n\"b\": 2,\n\"a\": 3}":    `line 3: the name "a" stands twice`,
		`{"a": {"b": 1, "b": 2}}`:             `the name "b" stands twice`,
		`{"a": [1, {"b": "x", "b": "x"}]}`:    `the name "b" stands twice`,
		`{"a": "b", "b": "a", "\u0061": "b"}`: `the name "a" stands twice`,
		"{\n\"name\": \"B\xfcro\"}":           "line 2: a letter is not in UTF-8: save the file as UTF-8",
		"\xff\xfe{":                           "ends within a letter: save it as UTF-8",
	} {
		if _, err := document.JSON([]byte(data)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", data, err, want)
		}
	}
	for _, data := range []string{"", "{", `{"a"`, `[1, "a", "a"]`, `"a"`, "}{", "\x00", `{"a": ["b", "b"], "c": "a"}`} {
		if _, err := document.JSON([]byte(data)); err != nil {
			t.Errorf("%q is for its reader to judge: %v", data, err)
		}
	}
}
