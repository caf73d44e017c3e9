package throttle

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/parser"
	"github.com/dop251/goja/token"
)

// What cloudfront-js-2.0 documents ("JavaScript runtime 2.0 features for
// CloudFront Functions"), as far as these files need it. What is not in these
// lists is refused, whether or not the runtime might know it: it is nobody's
// promise, and the day on which it is found out is the day of the switch.
var (
	documentedNodes = []string{
		// ES 5.1
		"ArrayLiteral", "AssignExpression", "BinaryExpression", "BooleanLiteral", "BracketExpression", "CallExpression",
		"ConditionalExpression", "DotExpression", "FunctionLiteral", "FunctionDeclaration", "Identifier", "NullLiteral",
		"NumberLiteral", "ObjectLiteral", "PropertyKeyed", "RegExpLiteral", "SequenceExpression", "StringLiteral", "UnaryExpression",
		"BlockStatement", "BranchStatement", "CatchStatement", "EmptyStatement", "ExpressionStatement", "ForStatement",
		"ForInStatement", "IfStatement", "ReturnStatement", "ThrowStatement", "TryStatement", "VariableStatement",
		"SwitchStatement", "CaseStatement", "WhileStatement", "DoWhileStatement", "Binding", "ParameterList", "Program",
		"ForLoopInitializerVarDeclList", "ForLoopInitializerExpression", "ForIntoVar", "ForIntoExpression", "VariableDeclaration",
		// and what 2.0 adds: const, let, arrow functions, rest parameters, template literals, await
		"LexicalDeclaration", "ForLoopInitializerLexicalDecl", "ForDeclaration", "ArrowFunctionLiteral", "ExpressionBody",
		"TemplateLiteral", "TemplateElement", "AwaitExpression",
	}
	documentedGlobals = []string{
		"cf", "crypto", "console", "Math", "Date", "Number", "String", "Object", "JSON", "parseInt", "encodeURIComponent",
		"encodeURI", "undefined", placeholder,
	}
	documentedMembers = []string{
		"floor", "min", "max", "now", "keys", "log", "kvs", "get", "createHash", "createHmac", "update", "digest", // modules
		"indexOf", "lastIndexOf", "trim", "charCodeAt", "slice", "split", "startsWith", "toLowerCase", "toString", "join", "push", "map", "some", "reduce", "concat", "exec", "test", "length", // prototypes
		"context", "requestId", "viewer", "ip", "request", "response", "method", "uri", "querystring", "headers", "cookies", // the event
		"rawQueryString", "value", "multiValue", "attributes", "statusCode", "statusDescription", "body", "encoding", "data",
		"accept", "purpose", "location", "format",
		"mode", "admit", "salt", "until", "failure", "stale", "alone", "strict", "lang", "keys", "pass", "sample", // the gate and the base
	}
	// forbiddenHeaders can neither be set nor changed by a function, in either
	// event (disallowed and read-only headers of "Restrictions on all edge
	// functions"); set-cookie goes by the cookies object.
	forbiddenHeaders = regexp.MustCompile(`(?i)^(connection|expect|keep-alive|proxy-(authenticate|authorization|connection)|trailer|upgrade|` +
		`x-accel-(buffering|charset|limit-rate|redirect)|x-amz-cf-.*|x-amzn-.*|x-cache|x-edge-.*|x-forwarded-proto|x-real-ip|` +
		`content-length|host|transfer-encoding|via|warning|set-cookie|cookie)$`)
)

var importLine = regexp.MustCompile(`\bimport\s*([\w$]+)\s*from\s*["'](\w+)["'];?`)

// undocumented returns what of a source the runtime does not promise.
func undocumented(source string) []string {
	var found []string
	say := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	names := map[string]bool{}
	body := importLine.ReplaceAllStringFunc(source, func(line string) string {
		m := importLine.FindStringSubmatch(line)
		if m[2] != "cloudfront" && m[2] != "crypto" {
			say("the module %s", m[2])
		}
		names[m[1]] = true
		return ""
	})
	program, err := parser.ParseFile(nil, "", body, 0)
	if err != nil {
		return append(found, "syntax: "+err.Error())
	}
	var nodes []any
	walk(reflect.ValueOf(program), func(n any) { nodes = append(nodes, n) })
	for _, n := range nodes {
		declare(n, names)
	}
	for _, n := range nodes {
		kind := reflect.TypeOf(n).Elem().Name()
		if !slices.Contains(documentedNodes, kind) {
			say("%s", kind)
		}
		switch n := n.(type) {
		case *ast.Identifier:
			// Only those that are read as variables come here: see walk.
			if name := n.Name.String(); !names[name] && !slices.Contains(documentedGlobals, name) {
				say("the global %s", name)
			}
		case *ast.DotExpression:
			if name := n.Identifier.Name.String(); !slices.Contains(documentedMembers, name) {
				say("the member %s", name)
			}
		case *ast.PropertyKeyed:
			if n.Kind != ast.PropertyKindValue || n.Computed {
				say("a computed or accessor property")
			}
		case *ast.FunctionLiteral:
			if n.Generator {
				say("a generator")
			}
		case *ast.ArrowFunctionLiteral:
			if n.Async {
				say("an async arrow function")
			}
		case *ast.Binding:
			if _, plain := n.Target.(*ast.Identifier); !plain {
				say("destructuring")
			}
		case *ast.CatchStatement:
			if n.Parameter == nil {
				say("catch without a name")
			}
		case *ast.TemplateLiteral:
			if n.Tag != nil {
				say("a tagged template")
			}
		case *ast.BinaryExpression:
			if n.Operator == token.COALESCE || n.Operator == token.EXPONENT {
				say("the operator %s", n.Operator)
			}
		case *ast.AssignExpression:
			if op := n.Operator.String(); strings.ContainsAny(op, "?") || op == "**" || op == "&&" || op == "||" {
				say("the assignment %s=", op)
			}
		case *ast.NumberLiteral:
			if strings.HasSuffix(n.Literal, "n") {
				say("a BigInt")
			}
		case *ast.StringLiteral:
			// Neither file has a reason to name one of them, whatever for.
			if forbiddenHeaders.MatchString(n.Value.String()) {
				say("the header %s", n.Value)
			}
		case *ast.ParameterList:
			for _, b := range n.List {
				if b.Initializer != nil {
					say("a default parameter")
				}
			}
		}
	}
	return found
}

// walk visits every node once. Names of members and of keys are not variables,
// and are left to their parents.
func walk(v reflect.Value, visit func(any)) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return
		}
		if v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct && strings.HasSuffix(v.Elem().Type().PkgPath(), "goja/ast") {
			visit(v.Interface())
		}
		if v.Kind() == reflect.Pointer && strings.HasSuffix(v.Elem().Type().PkgPath(), "goja/file") {
			return
		}
		walk(v.Elem(), visit)
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), visit)
		}
	case reflect.Struct:
		if !strings.HasSuffix(v.Type().PkgPath(), "goja/ast") {
			return
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() || f.Name == "DeclarationList" {
				continue
			}
			if f.Type == reflect.TypeFor[ast.Identifier]() {
				continue
			}
			field := v.Field(i)
			if field.Kind() == reflect.Struct && field.CanAddr() && f.Type != reflect.TypeFor[ast.Program]() {
				field = field.Addr()
			}
			walk(field, visit)
		}
	}
}

// declare notes the names that a node brings in.
func declare(n any, names map[string]bool) {
	add := func(target any) {
		if id, ok := target.(*ast.Identifier); ok && id != nil {
			names[id.Name.String()] = true
		}
	}
	switch n := n.(type) {
	case *ast.Binding:
		add(n.Target)
	case *ast.FunctionLiteral:
		add(n.Name)
	case *ast.CatchStatement:
		add(n.Parameter)
	case *ast.ForDeclaration:
		add(n.Target)
	}
}

func TestOnlyWhatTheRuntimeDocuments(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"throttle.js": throttleSource, "remember.js": rememberSource,
		"shipped/throttle.js": throttleShipped, "shipped/remember.js": rememberShipped,
	} {
		for _, what := range undocumented(source) {
			t.Errorf("%s uses what cloudfront-js-2.0 does not document: %s", name, what)
		}
	}
}

// TestRuntimeCheckRefuses shows that the check above can fail.
func TestRuntimeCheckRefuses(t *testing.T) {
	t.Parallel()
	for _, source := range []string{
		"const a = event?.request;", "const a = 1 ?? 2;", "let a; a ??= 1;", "let a; a ||= 1;", "const a = 2 ** 3;", "let a = 2; a **= 3;",
		"function f(a) { f(...a); }", "const a = [...[1]];", "const a = 1; const b = { a };", "const { a } = {};", "const [a] = [];",
		"function f(a = 1) {}", "for (const a of []) {}", "class A {}", "const a = new Map();", "const a = new Set();",
		"function* f() { yield 1; }", "const f = async () => 1;", "try {} catch {}", "setTimeout(1);", "eval('1');", "const a = Math.random();",
		"const a = ''.replaceAll('a', 'b');", "const a = { get b() { return 1; } };", "const a = { ['b']: 1 };", "const a = { b() {} };",
		"const a = String.raw`x`;", "const a = 1n;", "with ({}) {}", "import fs from 'fs';", "const h = {}; h['via'] = 1;",
		"const h = { 'x-edge-thing': 1 };", "const h = { 'Set-Cookie': 1 };", "const h = {}; h.via = 1;", "const p = Promise.all([]);",
		"fetch('https://example.org');", "const a = globalThis;", "const a = this;",
	} {
		if len(undocumented(source)) == 0 {
			t.Errorf("the check lets this through: %s", source)
		}
	}
}

// topLevel visits what of a statement runs when the file is loaded: the bodies of
// functions do not.
func topLevel(s ast.Statement, visit func(any)) {
	bodies := map[any]bool{}
	walk(reflect.ValueOf(s), func(n any) {
		if f, ok := n.(*ast.ArrowFunctionLiteral); ok {
			walk(reflect.ValueOf(f.Body), func(n any) { bodies[n] = true })
		}
	})
	walk(reflect.ValueOf(s), func(n any) {
		if !bodies[n] {
			visit(n)
		}
	})
}

// TestEverythingInOneTry reads the shape of a file: whatever can throw stands
// inside the handler's try, the catch hands back what came in, and outside of the
// functions are constants only, because nobody promises that CloudFront keeps two
// requests apart there.
func TestEverythingInOneTry(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"throttle.js": throttleSource, "remember.js": rememberSource,
		"shipped/throttle.js": throttleShipped, "shipped/remember.js": rememberShipped,
	} {
		program, err := parser.ParseFile(nil, name, importLine.ReplaceAllString(source, ""), 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range program.Body {
			f, ok := s.(*ast.FunctionDeclaration)
			if !ok {
				topLevel(s, func(n any) {
					switch n := n.(type) {
					case *ast.CallExpression, *ast.NewExpression, *ast.DotExpression, *ast.BracketExpression:
						t.Errorf("%s: something is called or read at the top level, where nothing catches an error", name)
					case *ast.ObjectLiteral, *ast.ArrayLiteral:
						t.Errorf("%s: an object at the top level could be shared by two requests", name)
					case *ast.LexicalDeclaration:
						if n.Token != token.CONST {
							t.Errorf("%s: a variable at the top level could be shared by two requests", name)
						}
					case *ast.VariableStatement:
						t.Errorf("%s: a variable at the top level could be shared by two requests", name)
					}
				})
				continue
			}
			if f.Function.Name.Name.String() != "handler" {
				continue
			}
			body := f.Function.Body.List
			// What stands before the try takes the event apart and calls nothing.
			for _, s := range body[:len(body)-1] {
				if _, ok := s.(*ast.LexicalDeclaration); !ok {
					t.Errorf("%s: a %T stands outside of the handler's try", name, s)
				}
				walk(reflect.ValueOf(s), func(n any) {
					switch n.(type) {
					case *ast.CallExpression, *ast.NewExpression, *ast.BracketExpression, *ast.AwaitExpression:
						t.Errorf("%s: something is called outside of the handler's try", name)
					}
				})
			}
			try, ok := body[len(body)-1].(*ast.TryStatement)
			if !ok || try.Catch == nil || try.Finally != nil {
				t.Fatalf("%s: the handler's last statement is not a try with a catch", name)
			}
			last := try.Catch.Body.List[len(try.Catch.Body.List)-1]
			if _, ok := last.(*ast.ReturnStatement); !ok {
				t.Errorf("%s: the catch does not answer", name)
			}
		}
	}
}
