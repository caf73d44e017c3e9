package template

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Policy is one of docs/policies: what a person may do.
type Policy struct {
	// Size is how many characters IAM counts: all but white space.
	Size      int `json:"-"`
	Statement []struct {
		Sid    string
		Action []string
	}
}

// ReadPolicy reads docs/policies/WHO.json.
func ReadPolicy(who string) (p Policy, err error) {
	text, err := os.ReadFile(filepath.Join(Root(), "docs", "policies", who+".json"))
	if err != nil {
		return p, err
	}
	p.Size = len(strings.Join(strings.Fields(string(text)), ""))
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("docs/policies/%s.json: %w", who, err)
	}
	return p, nil
}

// Allows says whether it allows an action on something.
func (p Policy) Allows(action string) bool {
	return slices.ContainsFunc(p.Actions(), func(pattern string) bool {
		matches, err := path.Match(pattern, action)
		return matches && err == nil
	})
}

// Actions are all that it allows, in order.
func (p Policy) Actions() (all []string) {
	for _, s := range p.Statement {
		all = append(all, s.Action...)
	}
	return all
}
