package template

import (
	"bytes"
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"
)

// AllowOnly is a template whose parameter takes one value alone, which is its
// default too. Everything else stays as it is.
func AllowOnly(text []byte, parameter, value string) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, fmt.Errorf("the template is empty")
	}
	about := Get(doc.Content[0], "Parameters", parameter)
	allowed, otherwise := Get(about, "AllowedValues"), Get(about, "Default")
	if allowed == nil || otherwise == nil {
		return nil, fmt.Errorf("the parameter %s has no list of allowed values with a default", parameter)
	}
	i := slices.IndexFunc(allowed.Content, func(n *yaml.Node) bool { return n.Value == value })
	if i < 0 {
		return nil, fmt.Errorf("the parameter %s does not allow %q", parameter, value)
	}
	allowed.Content, otherwise.Value = allowed.Content[i:i+1], value
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&doc); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
