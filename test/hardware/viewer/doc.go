// Package viewer holds the test that watches, from outside of the virtual
// machine of test/hardware/run.sh, the node that runs in it. Elsewhere it skips.
package viewer
