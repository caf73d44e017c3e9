// Package template reads template.yaml and its two companions in functions/throttle, so that
// tests can hold them against the code that they deploy: a template that drifts
// from its functions fails in an account, at night, and nowhere else.
package template

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Root is the path of the repository.
func Root() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..")
}

// The templates, from the root.
const (
	Main = "template.yaml"
	Edge = "functions/throttle/edge.yaml"
	Site = "functions/throttle/site.yaml"
)

// Template is a template of CloudFormation.
type Template struct {
	root *yaml.Node
}

// Read reads one.
func Read(name string) (Template, error) {
	text, err := os.ReadFile(filepath.Join(Root(), name))
	if err != nil {
		return Template{}, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return Template{}, fmt.Errorf("%s: %w", name, err)
	}
	if len(doc.Content) == 0 {
		return Template{}, fmt.Errorf("%s: it is empty", name)
	}
	return Of(&doc), nil
}

// Of is the template of a document that has one.
func Of(doc *yaml.Node) Template { return Template{doc.Content[0]} }

// Get finds a node by the names on the way to it; nil when there is none.
func (t Template) Get(names ...string) *yaml.Node { return Get(t.root, names...) }

// Get finds a node below another.
func Get(node *yaml.Node, names ...string) *yaml.Node {
	for _, name := range names {
		if node == nil || node.Kind != yaml.MappingNode {
			return nil
		}
		var next *yaml.Node
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == name {
				next = node.Content[i+1]
			}
		}
		node = next
	}
	return node
}

// Keys lists the names in a mapping, in order.
func Keys(node *yaml.Node) (keys []string) {
	if node == nil {
		return nil
	}
	for i := 0; i < len(node.Content); i += 2 {
		keys = append(keys, node.Content[i].Value)
	}
	return keys
}

// Resources lists the resources of a type.
func (t Template) Resources(typ string) (names []string) {
	all := t.Get("Resources")
	for _, name := range Keys(all) {
		if Get(all, name, "Type").Value == typ {
			names = append(names, name)
		}
	}
	return names
}

// Permission is one action on one resource that a role allows.
type Permission struct {
	Action string
	// Resource is as the template has it: the logical name of a resource, perhaps
	// with an attribute or a path behind it, or "*".
	Resource string
	// Sid is the statement's.
	Sid string
	// Condition is the statement's, as operator, key and value; empty for none.
	Condition string
}

// Permissions lists what a role allows.
func (t Template) Permissions(role string) (all []Permission) {
	for _, policy := range Get(t.Get("Resources", role), "Properties", "Policies").Content {
		for _, statement := range Get(policy, "PolicyDocument", "Statement").Content {
			condition := words(Get(statement, "Condition"))
			for _, action := range list(Get(statement, "Action")) {
				for _, resource := range list(Get(statement, "Resource")) {
					all = append(all, Permission{action.Value, resource.Value, Get(statement, "Sid").Value, condition})
				}
			}
		}
	}
	return all
}

// list takes one value for a list of one, and for a choice (!If) what either side
// of it holds.
func list(node *yaml.Node) []*yaml.Node {
	if node.Tag == "!If" {
		all := list(node.Content[1])
		for _, other := range list(node.Content[2]) {
			if !slices.ContainsFunc(all, func(n *yaml.Node) bool { return n.Value == other.Value }) {
				all = append(all, other)
			}
		}
		return all
	}
	if node.Kind == yaml.SequenceNode {
		return node.Content
	}
	return []*yaml.Node{node}
}

// words are all names and values of a node, in order.
func words(node *yaml.Node) string {
	if node == nil {
		return ""
	}
	all := []string{node.Value}
	for _, inner := range node.Content {
		all = append(all, words(inner))
	}
	return strings.Join(strings.Fields(strings.Join(all, " ")), " ")
}

// Logical is the logical name that a reference begins with: Table for
// "Table.Arn" and for "${Table.Arn}/index/line".
func Logical(reference string) string {
	name := strings.TrimPrefix(reference, "${")
	if i := strings.IndexAny(name, ".}/"); i >= 0 {
		name = name[:i]
	}
	return name
}
