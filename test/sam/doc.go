// Package sam tries the four functions as Lambda runs them: built by SAM, in
// Lambda's container with its runtime interface, with template.yaml's own
// settings, against stand-ins that speak the services' protocols. Its tests have
// the build tag sam; run.sh, which is `make test-sam`, gives them Docker.
package sam
