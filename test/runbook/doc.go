// Package runbook has the AWS CLI parse every aws command that the documents
// show. A flag that is gone, or never was, is found here and not on the
// operator's worst day. Its test needs AWS CLI v2 and has the build tag runbook.
package runbook
