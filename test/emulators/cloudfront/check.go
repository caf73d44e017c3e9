package cloudfront

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// check refuses what the service refuses.
func (s *Server) check(was, is node) error {
	bad := func(code, format string, args ...any) error {
		return refusal{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
	}
	if err := quantities(is); err != nil {
		return err
	}
	for _, must := range []string{"CallerReference", "Origins", "DefaultCacheBehavior", "Comment", "Enabled"} {
		if is.at(must).XMLName.Local == "" {
			return bad("InvalidArgument", "The parameter %s is required.", must)
		}
	}
	if is.at("CallerReference").Text != was.at("CallerReference").Text {
		return bad("IllegalUpdate", "The caller reference cannot be changed.")
	}
	// What a client does not send is switched off; a client that did not mean
	// to must hear of it, here more loudly than from the service.
	for _, child := range was.Children {
		if is.at(child.XMLName.Local).XMLName.Local == "" {
			return bad("InvalidArgument", "The setting %s was left out.", child.XMLName.Local)
		}
	}
	origins := map[string]bool{}
	for _, o := range slices.Concat(is.at("Origins").items(), is.at("OriginGroups").items()) {
		id := o.at("Id").Text
		if id == "" || origins[id] {
			return bad("InvalidOrigin", "Two origins have the id %q, or one has none.", id)
		}
		origins[id] = true
		for _, h := range o.at("CustomHeaders").items() {
			if len(h.at("HeaderValue").Text) > 1783 {
				return bad("InvalidArgument", "The value of the header %s is too long.", h.at("HeaderName").Text)
			}
		}
	}
	behaviours := is.at("CacheBehaviors").items()
	if len(behaviours) > cmp.Or(s.MaxBehaviours, 25) {
		return bad("TooManyCacheBehaviors", "You cannot create more cache behaviors for this distribution.")
	}
	patterns := map[string]bool{}
	for i, b := range append(slices.Clone(behaviours), is.at("DefaultCacheBehavior")) {
		pattern := b.at("PathPattern").Text
		if i < len(behaviours) && (pattern == "" || patterns[strings.TrimPrefix(pattern, "/")]) {
			return bad("InvalidArgument", "The path pattern %q is there twice, or empty.", pattern)
		}
		patterns[strings.TrimPrefix(pattern, "/")] = true
		if err := s.behaviour(b, origins); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) behaviour(b node, origins map[string]bool) error {
	bad := func(code, format string, args ...any) error {
		return refusal{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
	}
	if target := b.at("TargetOriginId").Text; !origins[target] {
		return refusal{http.StatusNotFound, "NoSuchOrigin", fmt.Sprintf("No origin exists with the specified origin id %q.", target)}
	}
	events := map[string]bool{}
	for _, f := range b.at("FunctionAssociations").items() {
		event, arn := f.at("EventType").Text, f.at("FunctionARN").Text
		switch {
		case event != "viewer-request" && event != "viewer-response":
			return bad("InvalidFunctionAssociation", "The event type %q is not valid for a function.", event)
		case events[event]:
			return bad("InvalidFunctionAssociation", "The event type %s has two functions.", event)
		case len(s.functions) > 0 && !slices.Contains(s.functions, arn):
			return bad("InvalidFunctionAssociation", "The function %s does not exist or is not published.", arn)
		}
		events[event] = true
	}
	for _, f := range b.at("LambdaFunctionAssociations").items() {
		event := f.at("EventType").Text
		if strings.HasPrefix(event, "viewer-") && len(events) > 0 {
			return bad("InvalidLambdaFunctionAssociation", "A behavior cannot have Lambda@Edge on %s and a function on a viewer event.", event)
		}
	}
	policy, legacy := b.at("CachePolicyId").Text, b.at("ForwardedValues").XMLName.Local
	if (policy == "") == (legacy == "") {
		return bad("InvalidArgument", "A behavior has either a cache policy or ForwardedValues.")
	}
	return nil
}

// quantities compares each Quantity with its Items.
func quantities(n node) error {
	if q := n.at("Quantity"); q.XMLName.Local != "" && q.Text != strconv.Itoa(len(n.items())) {
		return refusal{http.StatusBadRequest, "InconsistentQuantities",
			fmt.Sprintf("The value of Quantity (%s) and the size of Items (%d) of %s don't match.", q.Text, len(n.items()), n.XMLName.Local)}
	}
	for _, child := range n.Children {
		if err := quantities(child); err != nil {
			return err
		}
	}
	return nil
}
