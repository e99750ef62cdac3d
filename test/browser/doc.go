// Package browser tests the node end to end in a real Chromium: the viewer page
// is opened, watched, talked into and closed as a person would. The browser is
// driven by scripts on Node.js with playwright-core; this package builds and
// starts the node, runs the scripts and reports their scenarios as subtests.
//
// Needed: node and npm (20 or newer) and Chromium, in PATH or named by the
// environment variable CHROMIUM. Without them the tests are skipped, or fail
// where EDGECAM_CI=1. playwright-core is installed beside the scripts by npm,
// in the version that package-lock.json pins, when it is not there yet.
//
// With EDGECAM_ARTIFACTS=DIR the scripts leave screenshots in DIR.
// EDGECAM_BIN=FILE tests that binary instead of building one, and
// EDGECAM_SCENARIO=NAME runs only the scenarios whose names contain NAME.
package browser
