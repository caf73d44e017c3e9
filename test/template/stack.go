package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// The account and region of every stand-in stack.
const (
	Account = "111122223333"
	Region  = "eu-west-1"
)

// Stack is what CloudFormation would make of a template, as far as a test needs
// it: every parameter with its value, every output, every name. It is worked out
// from the template's own text, so that a stand-in cannot have what a deployed
// stack does not.
type Stack struct {
	Name       string
	Parameters map[string]string
	Outputs    map[string]string

	template Template
	physical map[string]string
}

// Deploy works a stack out. parameters are those that are given; the others have
// their defaults, and what CloudFormation would refuse is an error. physical
// replaces the physical ids of resources, by their logical names: what Ref gives.
func (t Template) Deploy(name string, parameters, physical map[string]string) (*Stack, error) {
	s := &Stack{Name: name, Parameters: map[string]string{}, Outputs: map[string]string{}, template: t, physical: maps.Clone(physical)}
	declared := t.Get("Parameters")
	for given := range parameters {
		if !slices.Contains(Keys(declared), given) {
			return nil, fmt.Errorf("the template has no parameter %s", given)
		}
	}
	for _, p := range Keys(declared) {
		value, given := parameters[p]
		var err error
		if s.Parameters[p], err = parameter(p, Get(declared, p), value, given); err != nil {
			return nil, err
		}
	}
	return s, s.workOutOutputs(t.Get("Outputs"))
}

// parameter is the value of a parameter: the one that is given, or its default.
func parameter(name string, about *yaml.Node, value string, given bool) (string, error) {
	if d := Get(about, "Default"); !given && d != nil {
		value, given = d.Value, true
	}
	if !given {
		return "", fmt.Errorf("the parameter %s has no value", name)
	}
	if pattern := Get(about, "AllowedPattern"); pattern != nil {
		whole, err := regexp.Compile("^(?:" + pattern.Value + ")$")
		if err != nil {
			return "", fmt.Errorf("the pattern of %s: %w", name, err)
		}
		if !whole.MatchString(value) {
			return "", fmt.Errorf("%s: %q does not match %s", name, value, pattern.Value)
		}
	}
	if allowed := Get(about, "AllowedValues"); allowed != nil && !slices.ContainsFunc(allowed.Content, func(n *yaml.Node) bool { return n.Value == value }) {
		return "", fmt.Errorf("%s: %q is not an allowed value", name, value)
	}
	return value, nil
}

// workOutOutputs fills in the outputs whose condition holds.
func (s *Stack) workOutOutputs(outputs *yaml.Node) error {
	for _, name := range Keys(outputs) {
		if condition := Get(outputs, name, "Condition"); condition != nil {
			holds, err := s.condition(condition.Value)
			if err != nil {
				return err
			}
			if !holds {
				continue
			}
		}
		value, err := s.Value(Get(outputs, name, "Value"))
		if err != nil {
			return fmt.Errorf("the output %s: %w", name, err)
		}
		s.Outputs[name] = value
	}
	return nil
}

// Secret is a new secret's value as Secrets Manager generates it: a string of the
// length that is asked for, alone or under its key in the template's JSON.
func (s *Stack) Secret(logical string) (string, error) {
	generate := s.template.Get("Resources", logical, "Properties", "GenerateSecretString")
	if generate == nil {
		return "", fmt.Errorf("%s is not a generated secret", logical)
	}
	length := 32
	if n := Get(generate, "PasswordLength"); n != nil {
		if err := n.Decode(&length); err != nil {
			return "", err
		}
	}
	text := strings.Repeat(logical, length/len(logical)+1)[:length]
	key := Get(generate, "GenerateStringKey")
	if key == nil {
		return text, nil
	}
	document := map[string]any{}
	if err := json.Unmarshal([]byte(Get(generate, "SecretStringTemplate").Value), &document); err != nil {
		return "", err
	}
	document[key.Value] = text
	out, err := json.Marshal(document)
	return string(out), err
}

// Environment is what a function finds in its environment.
func (s *Stack) Environment(function string) (map[string]string, error) {
	variables := s.template.Get("Resources", function, "Properties", "Environment", "Variables")
	out := map[string]string{}
	for _, name := range Keys(variables) {
		value, err := s.Value(Get(variables, name))
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", name, function, err)
		}
		out[name] = value
	}
	return out, nil
}

// Value works a value of the template out.
func (s *Stack) Value(node *yaml.Node) (string, error) {
	if node == nil {
		return "", fmt.Errorf("no such value")
	}
	switch node.Tag {
	case "!Ref":
		return s.ref(node.Value)
	case "!GetAtt":
		logical, attribute, _ := strings.Cut(node.Value, ".")
		return s.attribute(logical, attribute)
	case "!Sub":
		return s.sub(node.Value)
	case "!If":
		holds, err := s.condition(node.Content[0].Value)
		if err != nil {
			return "", err
		}
		if holds {
			return s.Value(node.Content[1])
		}
		return s.Value(node.Content[2])
	}
	if node.Kind != yaml.ScalarNode || strings.HasPrefix(node.Tag, "!") && !strings.HasPrefix(node.Tag, "!!") {
		return "", fmt.Errorf("line %d: %s is not worked out here", node.Line, node.Tag)
	}
	return node.Value, nil
}

var placeholder = regexp.MustCompile(`\$\{([A-Za-z0-9:.]+)\}`)

func (s *Stack) sub(text string) (string, error) {
	var failed error
	out := placeholder.ReplaceAllStringFunc(text, func(found string) string {
		name := found[2 : len(found)-1]
		value, err := s.ref(name)
		if logical, attribute, dotted := strings.Cut(name, "."); dotted {
			value, err = s.attribute(logical, attribute)
		}
		if err != nil {
			failed = err
		}
		return value
	})
	return out, failed
}

// pseudo are CloudFormation's own parameters.
func (s *Stack) pseudo(name string) (string, bool) {
	value, ok := map[string]string{
		"AWS::StackName": s.Name, "AWS::Region": Region, "AWS::AccountId": Account, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com", "AWS::NoValue": "",
	}[name]
	return value, ok
}

func (s *Stack) ref(name string) (string, error) {
	if value, ok := s.pseudo(name); ok {
		return value, nil
	}
	if value, ok := s.Parameters[name]; ok {
		return value, nil
	}
	if value, ok := s.physical[name]; ok {
		return value, nil
	}
	typ := s.template.Get("Resources", name, "Type")
	if typ == nil {
		return "", fmt.Errorf("there is no %s", name)
	}
	named := s.Name + "-" + name + "-1EXAMPLE"
	switch typ.Value {
	case "AWS::SQS::Queue":
		return "https://sqs." + Region + ".amazonaws.com/" + Account + "/" + named, nil
	case "AWS::SecretsManager::Secret":
		return "arn:aws:secretsmanager:" + Region + ":" + Account + ":secret:" + named + "-AbCdEf", nil
	case "AWS::Serverless::HttpApi":
		return "a1b2c3d4e5", nil
	case "AWS::CloudFront::CachePolicy":
		return "11111111-2222-3333-4444-555555555555", nil
	case "AWS::CloudFront::OriginRequestPolicy":
		return "66666666-7777-8888-9999-000000000000", nil
	case "AWS::SNS::Topic":
		return "arn:aws:sns:" + Region + ":" + Account + ":" + named, nil
	case "AWS::CloudFront::Function":
		return s.attribute(name, "FunctionMetadata.FunctionARN")
	}
	return named, nil
}

func (s *Stack) attribute(logical, attribute string) (string, error) {
	resource := s.template.Get("Resources", logical)
	if resource == nil {
		return "", fmt.Errorf("there is no %s", logical)
	}
	id, err := func() (string, error) {
		if n := Get(resource, "Properties", "Name"); n != nil {
			return s.Value(n)
		}
		return s.ref(logical)
	}()
	if err != nil {
		return "", err
	}
	switch typ := Get(resource, "Type").Value; typ + " " + attribute {
	case "AWS::CloudFront::KeyValueStore Arn":
		if given, ok := s.physical[logical]; ok {
			return given, nil
		}
		return "arn:aws:cloudfront::" + Account + ":key-value-store/12345678-1234-1234-1234-123456789012", nil
	case "AWS::CloudFront::Function FunctionMetadata.FunctionARN":
		return "arn:aws:cloudfront::" + Account + ":function/" + id, nil
	case "AWS::SQS::Queue QueueName":
		return id[strings.LastIndex(id, "/")+1:], nil
	case "AWS::DynamoDB::Table Arn":
		return "arn:aws:dynamodb:" + Region + ":" + Account + ":table/" + id, nil
	default:
		return "", fmt.Errorf("the attribute %s of %s is not worked out here", attribute, typ)
	}
}

// Holds says whether a condition of the template holds.
func (s *Stack) Holds(condition string) (bool, error) { return s.condition(condition) }

// condition works a condition out by its name.
func (s *Stack) condition(name string) (bool, error) {
	node := s.template.Get("Conditions", name)
	if node == nil {
		return false, fmt.Errorf("no such condition %s", name)
	}
	return s.holds(node)
}

func (s *Stack) holds(node *yaml.Node) (bool, error) {
	switch node.Tag {
	case "!Equals":
		a, err := s.Value(node.Content[0])
		if err != nil {
			return false, err
		}
		b, err := s.Value(node.Content[1])
		return a == b, err
	case "!Not":
		holds, err := s.holds(node.Content[0])
		return !holds, err
	case "!And", "!Or":
		for _, inner := range node.Content {
			holds, err := s.holds(inner)
			if err != nil || holds == (node.Tag == "!Or") {
				return holds, err
			}
		}
		return node.Tag == "!And", nil
	case "!Condition":
		return s.condition(node.Value)
	}
	return false, fmt.Errorf("line %d: the condition %s is not worked out here", node.Line, node.Tag)
}
