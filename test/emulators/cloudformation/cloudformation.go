// Package cloudformation is a stand-in for the one call of CloudFormation that
// the operators' tool makes, DescribeStacks, over the Query protocol that the
// SDK's own client speaks.
package cloudformation

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Server is the stand-in. The zero value has no stack.
type Server struct {
	mu     sync.Mutex
	stacks map[string]described
	broken int
}

type described struct {
	outputs, parameters map[string]string
	status              string
}

// Put makes a stack.
func (s *Server) Put(name string, outputs, parameters map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stacks == nil {
		s.stacks = map[string]described{}
	}
	s.stacks[name] = described{maps.Clone(outputs), maps.Clone(parameters), "UPDATE_COMPLETE"}
}

// Status sets CloudFormation's word about a stack that is there.
func (s *Server) Status(name, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stack := s.stacks[name]
	stack.status = status
	s.stacks[name] = stack
}

// Break makes the next n requests fail with a 503.
func (s *Server) Break(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = n
}

// ServeHTTP answers DescribeStacks.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "text/xml")
	refuse := func(status int, code, message string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>00000000-stand-in</RequestId></ErrorResponse>`, code, escaped(message))
	}
	if s.broken > 0 {
		s.broken--
		refuse(http.StatusServiceUnavailable, "ServiceUnavailable", "try again")
		return
	}
	if err := r.ParseForm(); err != nil || r.PostForm.Get("Action") != "DescribeStacks" {
		refuse(http.StatusBadRequest, "InvalidAction", "The action is not known here.")
		return
	}
	name := r.PostForm.Get("StackName")
	stack, ok := s.stacks[name]
	if !ok {
		refuse(http.StatusBadRequest, "ValidationError", "Stack with id "+name+" does not exist")
		return
	}
	fmt.Fprintf(w, `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member>`+
		`<StackName>%s</StackName><StackStatus>%s</StackStatus><CreationTime>2026-11-24T11:00:00Z</CreationTime>`+
		`<Outputs>%s</Outputs><Parameters>%s</Parameters></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
		escaped(name), stack.status, members(stack.outputs, "Output"), members(stack.parameters, "Parameter"))
}

func members(values map[string]string, kind string) string {
	var out strings.Builder
	for _, key := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&out, "<member><%[1]sKey>%[2]s</%[1]sKey><%[1]sValue>%[3]s</%[1]sValue></member>", kind, escaped(key), escaped(values[key]))
	}
	return out.String()
}

func escaped(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text)) // a strings.Builder takes every write
	return out.String()
}
