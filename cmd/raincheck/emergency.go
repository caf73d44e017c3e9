package main

import (
	"errors"
	"fmt"

	"raincheck/pkg/aws/explain"
	"raincheck/pkg/aws/stack"
)

// emergency are the flags of the switches that need nothing but the store at the
// edge: open, hold, and a fixed share.
type emergency struct {
	where
	EdgeStore string `env:"RAINCHECK_EDGE_STORE" placeholder:"ARN" help:"The stack's store at the edge (its output EdgeStoreArn): acts also while CloudFormation does not answer, or without the stack's name."`
}

// plane is where the switch acts: on the store at the edge alone where nothing
// else of the stack can be found.
func (c emergency) plane(e *env) (plane, error) {
	switch {
	case c.URL != "", c.Stack == "" && c.EdgeStore == "":
		return c.switchable(e)
	case c.Stack == "":
		return onlyEdge(e.ctx, e, c.EdgeStore, errors.New("no stack is named: --stack"))
	}
	p, err := c.where.plane(e)
	if err == nil || c.EdgeStore == "" && (errors.Is(err, stack.ErrNotFound) || errors.Is(err, explain.ErrCredentials)) {
		return p, err
	}
	if c.EdgeStore == "" {
		return nil, fmt.Errorf("%w\n  Without CloudFormation it works with the store's ARN: --edge-store ARN (the stack's output EdgeStoreArn)", err)
	}
	return onlyEdge(e.ctx, e, c.EdgeStore, fmt.Errorf("%w; run it again when that works", err))
}
