package terminal

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	negative  = regexp.MustCompile(`^-[0-9.]`)
	wrongKind = regexp.MustCompile(`^(\S+): expected an? (float|int|duration)\b.* got "(.*)" \(string\)$`)
	kinds     = map[string]string{"float": "a number such as 0.9", "int": "a whole number", "duration": "a time such as 10m or 24h"}
)

// Sentence says in a sentence what kong says of arguments that it cannot parse.
func Sentence(args []string, err error) string {
	text := err.Error()
	if m := wrongKind.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("%s: %q is not %s", m[1], m[3], kinds[m[2]])
	}
	if name, ok := strings.CutPrefix(text, "expected "); ok {
		return "an argument is missing: " + strings.Trim(name, `"`)
	}
	if strings.HasPrefix(text, "unknown flag -") && !strings.HasPrefix(text, "unknown flag --") || strings.Contains(text, "(short flag)") {
		for i, arg := range args {
			if negative.MatchString(arg) {
				if i > 0 && !strings.Contains(args[i-1], "://") { // the value of another flag
					arg = args[i-1] + " " + arg
				}
				return arg + " is below zero, and no number here may be"
			}
		}
	}
	return text
}
