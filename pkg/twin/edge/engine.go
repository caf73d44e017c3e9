package edge

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/dop251/goja"
)

// imports are the runtime's modules; goja knows no modules, so that the two
// files get them as variables.
var imports = regexp.MustCompile(`\bimport\s+([\w$]+)\s+from\s*["'](\w+)["'];?`)

// undocumented are globals that goja has and cloudfront-js-2.0 does not document.
// What of its syntax is not documented is refused by functions/throttle's tests.
var undocumented = []string{
	"eval", "Function", "globalThis", "Map", "Set", "WeakMap", "WeakSet", "WeakRef", "Proxy", "Reflect", "Symbol", "BigInt", "escape", "unescape",
}

// compile turns a function's source into a program. Its value is a JavaScript
// function that takes the modules and returns the handler. The runtime is always
// strict.
func compile(name, source string) (*goja.Program, error) {
	body := imports.ReplaceAllString(source, "const $1 = modules['$2'];")
	// On the same line as what stands before it, so that line numbers hold.
	p, err := goja.Compile(name, "(function (modules, console) { 'use strict'; "+body+"\nreturn handler;\n})", true)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return p, nil
}

// call is one invocation: what the function may see, and what it said.
type call struct {
	now  time.Time
	docs map[string][]byte
	lost bool // the store's handle throws
	mute bool // crypto throws
	said []string
}

// engine is one JavaScript runtime with both functions. Only one goroutine at a
// time may use it.
type engine struct {
	vm       *goja.Runtime
	throttle goja.Callable
	remember goja.Callable
	parse    goja.Callable
	proto    *goja.Object // of hashes and HMACs
	digests  []*digest
	call     *call
}

// maxDigests bounds what an engine keeps: a handful of keys at a time.
const maxDigests = 16

// digest is a hash or HMAC that a function holds.
type digest struct {
	object *goja.Object
	hash   hash.Hash
	key    string
	done   bool
}

func newEngine(throttle, remember *goja.Program) (*engine, error) {
	e := &engine{vm: goja.New(), call: &call{}}
	for _, name := range undocumented {
		if err := e.vm.GlobalObject().Delete(name); err != nil {
			return nil, fmt.Errorf("taking %s out of the runtime: %w", name, err)
		}
	}
	e.vm.SetTimeSource(func() time.Time { return e.call.now })
	e.parse, _ = goja.AssertFunction(e.vm.Get("JSON").ToObject(e.vm).Get("parse"))
	e.proto = e.vm.NewObject()
	e.proto.Set("update", e.update)
	e.proto.Set("digest", e.digest)

	crypto := e.vm.NewObject()
	crypto.Set("createHash", e.createHash)
	crypto.Set("createHmac", e.createHmac)
	store := e.vm.NewObject()
	store.Set("get", e.get)
	cloudfront := e.vm.NewObject()
	cloudfront.Set("kvs", func(goja.FunctionCall) goja.Value {
		if e.call.lost {
			panic(e.vm.NewGoError(errors.New("the key value store is not there")))
		}
		return store
	})
	modules := e.vm.NewObject()
	modules.Set("crypto", crypto)
	modules.Set("cloudfront", cloudfront)
	console := e.vm.NewObject()
	console.Set("log", func(c goja.FunctionCall) goja.Value {
		var words []string
		for _, a := range c.Arguments {
			words = append(words, a.String())
		}
		e.call.said = append(e.call.said, strings.Join(words, " "))
		return goja.Undefined()
	})

	load := func(p *goja.Program) (goja.Callable, error) {
		v, err := e.vm.RunProgram(p)
		if err != nil {
			return nil, err
		}
		outer, _ := goja.AssertFunction(v)
		handler, err := outer(goja.Undefined(), modules, console)
		if err != nil {
			return nil, err
		}
		f, ok := goja.AssertFunction(handler)
		if !ok {
			return nil, errors.New("handler is not a function")
		}
		return f, nil
	}
	var err error
	if e.throttle, err = load(throttle); err != nil {
		return nil, fmt.Errorf("starting the throttle: %w", err)
	}
	if e.remember, err = load(remember); err != nil {
		return nil, fmt.Errorf("starting remember.js: %w", err)
	}
	return e, nil
}

// run calls a function with an event and returns what it answered, waiting for
// its promise. An error is what CloudFront makes a 502 of.
func (e *engine) run(f goja.Callable, c *call, event goja.Value) (*goja.Object, error) {
	e.call = c
	v, err := f(goja.Undefined(), event)
	if err != nil {
		return nil, err
	}
	if p, ok := v.Export().(*goja.Promise); ok {
		switch p.State() {
		case goja.PromiseStateFulfilled:
			v = p.Result()
		case goja.PromiseStateRejected:
			return nil, fmt.Errorf("rejected: %s", p.Result())
		default:
			return nil, errors.New("it waits for something that never comes")
		}
	}
	o, ok := v.(*goja.Object)
	if !ok {
		return nil, errors.New("it answered no object")
	}
	return o, nil
}

// get is the store's get: a promise of the value, rejected when it is missing or
// not of the format.
func (e *engine) get(c goja.FunctionCall) goja.Value {
	promise, resolve, reject := e.vm.NewPromise()
	doc := e.call.docs[c.Argument(0).String()]
	if doc == nil {
		reject(e.vm.NewGoError(errors.New("KeyNotFound")))
		return e.vm.ToValue(promise)
	}
	v := e.vm.ToValue(string(doc))
	if o, ok := c.Argument(1).(*goja.Object); ok && o.Get("format").String() == "json" {
		parsed, err := e.parse(goja.Undefined(), v)
		if err != nil {
			reject(e.vm.NewGoError(err))
			return e.vm.ToValue(promise)
		}
		v = parsed
	}
	resolve(v)
	return e.vm.ToValue(promise)
}

func (e *engine) createHash(c goja.FunctionCall) goja.Value {
	if c.Argument(0).String() != "sha256" || e.call.mute {
		panic(e.vm.NewTypeError("not supported algorithm"))
	}
	return e.newDigest("", sha256.New)
}

func (e *engine) createHmac(c goja.FunctionCall) goja.Value {
	if c.Argument(0).String() != "sha256" || e.call.mute {
		panic(e.vm.NewTypeError("not supported algorithm"))
	}
	key, ok := c.Argument(1).(goja.String)
	if !ok {
		panic(e.vm.NewTypeError("key is not a string"))
	}
	text := key.String()
	return e.newDigest("key "+text, func() hash.Hash { return hmac.New(sha256.New, []byte(text)) })
}

// newDigest reuses a finished digest of the same key if there is one. Making the
// JavaScript object again each time would cost more here than the hash itself,
// which it does not in CloudFront.
func (e *engine) newDigest(key string, fresh func() hash.Hash) goja.Value {
	for _, d := range e.digests {
		if d.done && d.key == key {
			d.hash.Reset()
			d.done = false
			return d.object
		}
	}
	if len(e.digests) == maxDigests {
		e.digests = e.digests[:0]
	}
	d := &digest{object: e.vm.CreateObject(e.proto), hash: fresh(), key: key}
	e.digests = append(e.digests, d)
	return d.object
}

func (e *engine) digestOf(v goja.Value) *digest {
	for _, d := range e.digests {
		if !d.done && v == goja.Value(d.object) {
			return d
		}
	}
	panic(e.vm.NewTypeError("it is not a hash, or its digest was taken"))
}

func (e *engine) update(c goja.FunctionCall) goja.Value {
	text, ok := c.Argument(0).(goja.String)
	if !ok {
		panic(e.vm.NewTypeError("data is not a string"))
	}
	io.WriteString(e.digestOf(c.This).hash, text.String())
	return c.This
}

func (e *engine) digest(c goja.FunctionCall) goja.Value {
	d := e.digestOf(c.This)
	d.done = true
	var sum [sha256.Size]byte
	d.hash.Sum(sum[:0])
	switch c.Argument(0).String() {
	case "hex":
		return e.vm.ToValue(hex.EncodeToString(sum[:]))
	case "base64url":
		return e.vm.ToValue(base64.RawURLEncoding.EncodeToString(sum[:]))
	}
	panic(e.vm.NewTypeError("unknown encoding"))
}
