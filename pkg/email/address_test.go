package email

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64)
	label := strings.Repeat("b", 60)
	domain := label + "." + label + "." + label
	for name, c := range map[string]struct {
		typed, want string
		err         error
	}{
		"plain":                  {"ana@example.org", "ana@example.org", nil},
		"tag":                    {"ana+queue@example.org", "ana+queue@example.org", nil},
		"case":                   {"Ana.B@Example.ORG", "Ana.B@example.org", nil},
		"subdomain":              {"a@mail.example.co.uk", "a@mail.example.co.uk", nil},
		"odd but legal":          {"!#$%&'*-/=?^_`{|}~@example.org", "!#$%&'*-/=?^_`{|}~@example.org", nil},
		"longest local part":     {long + "@example.org", long + "@example.org", nil},
		"254 bytes":              {long + "@" + domain + ".commmm", "", nil},
		"IDN":                    {"a@bücher.de", "a@xn--bcher-kva.de", nil},
		"IDN in capitals":        {"a@BÜCHER.de", "a@xn--bcher-kva.de", nil},
		"IDN, decomposed":        {"a@bu\u0308cher.de", "a@xn--bcher-kva.de", nil},
		"already ASCII":          {"a@xn--bcher-kva.de", "a@xn--bcher-kva.de", nil},
		"IDN at the top":         {"a@пример.рф", "a@xn--e1afmkfd.xn--p1ai", nil},
		"sharp s stays":          {"a@straße.de", "a@xn--strae-oqa.de", nil},
		"full width dots":        {"a@example。org", "a@example.org", nil},
		"joiner in Persian":      {"a@نامه\u200cای.com", "a@xn--mgba3gch31f060k.com", nil},
		"blanks around":          {"\t ana@example.org \r\n", "ana@example.org", nil},
		"no-break space":         {"\u00a0ana@example.org\u00a0", "ana@example.org", nil},
		"trailing dots":          {"ana@example.org. . ", "ana@example.org", nil},
		"zero width":             {"\ufeffana\u200b@exam\u00adple.org\u2060", "ana@example.org", nil},
		"joiner among ASCII":     {"ana\u200d@example.org", "ana@example.org", nil},
		"mailto":                 {"mailto:ana@example.org", "ana@example.org", nil},
		"mailto, shouted":        {" MailTo:ana@example.org", "ana@example.org", nil},
		"nothing":                {"", "", ErrEmpty},
		"blanks":                 {" \t\u200b\u00a0", "", ErrEmpty},
		"only dots":              {" ... ", "", ErrEmpty},
		"no @":                   {"a", "", ErrFormat},
		"no domain":              {"a@", "", ErrFormat},
		"no local part":          {"@example.org", "", ErrFormat},
		"one label":              {"a@b", "", ErrFormat},
		"blank inside":           {"a b@example.org", "", ErrFormat},
		"blank at the @":         {"a @example.org", "", ErrFormat},
		"two @":                  {"a@b@example.org", "", ErrFormat},
		"two addresses":          {"a@example.org,b@example.org", "", ErrFormat},
		"65 letters":             {long + "a@example.org", "", ErrFormat},
		"255 bytes":              {long + "@" + domain + ".commmmm", "", ErrFormat},
		"endless":                {strings.Repeat("a", 1<<20) + "@example.org", "", ErrFormat},
		"display name":           {"Bob <a@example.org>", "", ErrFormat},
		"angle brackets":         {"<a@example.org>", "a@example.org", nil},
		"brackets and blanks":    {" < a@example.org > ", "a@example.org", nil},
		"one bracket":            {"<a@example.org", "", ErrFormat},
		"trailing comma":         {"a@example.org,", "a@example.org", nil},
		"trailing semicolon":     {"a@example.org ; ", "a@example.org", nil},
		"brackets and comma":     {"<a@example.org>,", "a@example.org", nil},
		"mailto with a query":    {"MAILTO:a@example.org?subject=Hello%20there", "a@example.org", nil},
		"mailto, escaped":        {"mailto:a%2Bb@example.org", "a+b@example.org", nil},
		"mailto, a header":       {"mailto:a@example.org%0d%0aBcc:x@example.net", "", ErrFormat},
		"mailto in brackets":     {"<mailto:a@example.org>", "a@example.org", nil},
		"full width":             {"taro＠example.co.jp", "taro@example.co.jp", nil},
		"full width throughout":  {"ｔａｒｏ＠ｅｘａｍｐｌｅ．ｃｏ．ｊｐ", "taro@example.co.jp", nil},
		"ideographic blank":      {"\u3000taro@example.co.jp\u3000", "taro@example.co.jp", nil},
		"embedding around":       {"\u202aann@example.org\u202c", "ann@example.org", nil},
		"right to left around":   {"\u202bann@example.org\u202c", "ann@example.org", nil},
		"isolates around":        {"\u2068ann@example.org\u2069", "ann@example.org", nil},
		"marks around":           {"\u061cann@example.org\u180e\u200d", "ann@example.org", nil},
		"override at the end":    {"ann@example.org\u202e", "", ErrFormat},
		"override at the front":  {"\u202dann@example.org", "", ErrFormat},
		"non-breaking hyphen":    {"ann@my\u2011site.org", "", ErrDash},
		"en dash":                {"ann@my\u2013site.org", "", ErrDash},
		"minus sign":             {"ann@my\u2212site.org", "", ErrDash},
		"small hyphen":           {"ann@my\ufe63site.org", "", ErrDash},
		"full width hyphen":      {"ann@my\uff0dsite.org", "ann@my-site.org", nil},
		"dash raised":            {"ann@my\u207bsite.org", "", ErrDash},
		"dash of a table":        {"ann@my\u2500site.org", "", ErrDash},
		"hyphen bullet":          {"ann@my\u2043site.org", "", ErrDash},
		"symbol at the top":      {"ann@example.org\u2764", "", ErrFormat},
		"symbol in a name":       {"ann@i\u2764.ws", "ann@xn--i-7iq.ws", nil}, // such domains exist
		"ideographic comma":      {"ann@example.org、", "ann@example.org", nil},
		"ideographic full stop":  {"ann@example.org。", "ann@example.org", nil},
		"mark, then full stop":   {"\u2068ann@example.org\u2069.", "ann@example.org", nil},
		"brackets and full stop": {"<ann@example.org>.", "ann@example.org", nil},
		"end of a question":      {"ann@example.org?", "ann@example.org", nil},
		"quotes":                 {`"ann@example.org",`, "ann@example.org", nil},
		"single quotes":          {"'ann@example.org'", "ann@example.org", nil},
		"quotes of a printer":    {"„ann@example.org“", "ann@example.org", nil},
		"round brackets":         {"(ann@example.org).", "ann@example.org", nil},
		"one quote":              {`ann@example.org"`, "", ErrFormat},
		"mailto with slashes":    {"mailto://ann@example.org", "ann@example.org", nil},
		"dash before the @":      {"ann\u2013b@example.org", "", ErrFormat},
		"line end and header":    {"a@example.org\r\nBcc: x@example.net", "", ErrFormat},
		"line end in local part": {"a\r\nBcc:b@example.org", "", ErrFormat},
		"NUL":                    {"a\x00@example.org", "", ErrFormat},
		"NUL in domain":          {"a@example\x00.org", "", ErrFormat},
		"escaped line end":       {"a@example.org%0d%0aBcc:x", "", ErrFormat},
		"escaped in local part":  {"a%0d%0ab@example.org", "a%0d%0ab@example.org", nil},
		"quoted":                 {`"a b"@example.org`, "", ErrFormat},
		"domain literal":         {"a@[192.0.2.1]", "", ErrFormat},
		"IP address":             {"a@192.0.2.1", "", ErrFormat},
		"override":               {"a\u202e@example.org", "", ErrFormat},
		"override in domain":     {"a@exam\u202eple.org", "", ErrFormat},
		"isolate":                {"a\u2066@example.org", "", ErrFormat},
		"line separator":         {"a@example.org\u2028b", "", ErrFormat},
		"dots":                   {"a..b@example.org", "", ErrFormat},
		"leading dot":            {".a@example.org", "", ErrFormat},
		"dot before @":           {"a.@example.org", "", ErrFormat},
		"empty label":            {"a@example..org", "", ErrFormat},
		"hyphen first":           {"a@-example.org", "", ErrFormat},
		"underscore":             {"a@exam_ple.org", "", ErrFormat},
		"short top":              {"a@example.o", "", ErrFormat},
		"broken punycode":        {"a@xn--\u00fc.de", "", ErrFormat},
		"bad punycode":           {"a@xn--99999999.de", "", ErrFormat},
		"bad UTF-8":              {"a\xff@example.org", "", ErrFormat},
		"accent":                 {"é@example.org", "", ErrLetters},
		"decomposed accent":      {"e\u0301@example.org", "", ErrLetters},
		"another script":         {"用户@example.org", "", ErrLetters},
		"accent, bad domain":     {"é@b", "", ErrFormat},
		"emoji":                  {"😀@example.org", "", ErrFormat},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Parse(c.typed)
			want := c.want
			if want == "" && c.err == nil {
				want = c.typed
			}
			if !errors.Is(err, c.err) || got.Reveal() != want {
				t.Errorf("Parse(%q) = %q, %v; want %q, %v", c.typed, got.Reveal(), err, want, c.err)
			}
		})
	}
}

func TestMailboxIsOneForAllTags(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"Ana+first@Example.org": "ana@example.org",
		"ana+a+b@example.org":   "ana@example.org",
		"ANA@example.org":       "ana@example.org",
		"an.a@example.org":      "an.a@example.org", // dots are a habit of one provider
		"+ana@example.org":      "+ana@example.org", // nothing would be left
		// A rehearsal's people are apart, at the simulator and nowhere else.
		"success+gameday-000001@simulator.amazonses.com": "success+gameday-000001@simulator.amazonses.com",
		"success+canary@simulator.amazonses.com":         "success@simulator.amazonses.com",
		"ana+gameday-000001@example.org":                 "ana@example.org",
	} {
		a, err := Parse(typed)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Mailbox(); got != want {
			t.Errorf("the mailbox of %s is %s, not %s", typed, got, want)
		}
	}
	if got := (Address{}).Mailbox(); got != "" {
		t.Errorf("no address has the mailbox %q", got)
	}
}

// An address must not come out by any way but Reveal and Mailbox: a log line,
// an error, a dump in a panic, JSON.
func TestAddressRedactsItself(t *testing.T) {
	t.Parallel()
	a, err := Parse("secret@example.org")
	if err != nil {
		t.Fatal(err)
	}
	type holder struct {
		Address Address
		Pointer *Address
		List    []Address
		Map     map[Address]Address
	}
	h := holder{a, &a, []Address{a}, map[Address]Address{a: a}}
	m, err := Compose(invitation(t))
	if err != nil {
		t.Fatal(err)
	}

	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		fmt.Fprintf(&out, verb+"\n", a)
		fmt.Fprintf(&out, verb+"\n", h)
		fmt.Fprintf(&out, verb+"\n", fmt.Errorf("sending to %v: %w", a, errors.New("no")))
		fmt.Fprintf(&out, verb+"\n", m)
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("a line", "address", a, "holder", h, "pointer", &a, "message", m)
	}
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)

	for _, word := range []string{"secret", "736563726574", "ana.b", "ABCDE"} {
		if strings.Contains(out.String(), word) {
			t.Errorf("%q came out:\n%s", word, out.String())
		}
	}
	if !bytes.Contains(text, []byte(redacted)) {
		t.Errorf("JSON says nothing of the redaction: %s", text)
	}
}

// FuzzParse: whatever is typed, an address that comes out is one recipient on
// one line, and reads back to itself.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"ana@example.org", " mailto:a@bücher.de. ", "a@b", "é@example.org", "a\r\nBcc: b@example.org", "\u202ea@example.org", `"a"@[1.2.3.4]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		a, err := Parse(typed)
		if err != nil {
			if !a.IsZero() || !errors.Is(err, ErrEmpty) && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrLetters) {
				t.Fatalf("an address or a strange error: %q, %v", a.Reveal(), err)
			}
			return
		}
		s := a.Reveal()
		if len(s) > maxAddress || strings.Count(s, "@") != 1 || strings.ContainsAny(s, " \t\r\n\x00,;:<>()[]\"\\") {
			t.Fatalf("%q became %q", typed, s)
		}
		for _, r := range s {
			if r <= ' ' || r > '~' {
				t.Fatalf("%q became %q", typed, s)
			}
		}
		again, err := Parse(s)
		if err != nil || again != a {
			t.Fatalf("%q reads back as %q, %v", s, again.Reveal(), err)
		}
		box, err := Parse(a.Mailbox())
		if err != nil || box.Mailbox() != a.Mailbox() {
			t.Fatalf("the mailbox %q is none: %v", a.Mailbox(), err)
		}
	})
}

func ExampleParse() {
	a, err := Parse(" Ana@bücher.example. ")
	fmt.Println(a, err)
	fmt.Println(a.Reveal(), a.Mailbox())
	// Output:
	// [address redacted] <nil>
	// Ana@xn--bcher-kva.example ana@xn--bcher-kva.example
}
