// Package env starts a Lambda function: it reads the function's settings from
// the environment, and ends the program when they are wrong.
package env

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Main runs a function and ends the program when it could not start: Lambda
// shows what is written, and starts it again at the next event.
func Main(run func(ctx context.Context, environ []string) error) {
	if err := run(context.Background(), os.Environ()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// validator is a configuration with rules across its fields.
type validator interface{ Validate() error }

// Read fills a configuration struct from the environment, by its env tags, and
// validates it. The error names every problem at once, each by its variable, and
// repeats no value.
func Read(environ []string, into validator) error {
	var problems []error
	err := env.ParseWithOptions(into, env.Options{Environment: env.ToMap(environ)})
	if all, ok := errors.AsType[env.AggregateError](err); ok {
		for _, e := range all.Errors {
			problems = append(problems, plainly(e, into))
		}
	} else if err != nil {
		problems = append(problems, err)
	}
	if err := into.Validate(); err != nil {
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("the configuration is not right:\n%w", err)
	}
	return nil
}

// plainly names a variable, and keeps its value out of what env says: it may be
// a secret's, put into the wrong variable.
func plainly(err error, into any) error {
	if parse, ok := errors.AsType[env.ParseError](err); ok {
		name := parse.Name
		if field, ok := reflect.TypeOf(into).Elem().FieldByName(parse.Name); ok {
			name, _, _ = strings.Cut(field.Tag.Get("env"), ",")
		}
		return fmt.Errorf("%s: what is there cannot be read as a %s", name, parse.Type)
	}
	if missing, ok := errors.AsType[env.VarIsNotSetError](err); ok {
		return fmt.Errorf("%s: it is missing", missing.Key)
	}
	return err
}
