// Package web holds the viewer page that the node serves: index.html, its
// style sheet, and edgecam.js, an ES module whose custom element <edge-cam>
// other pages may use too. There is no build step: what is embedded is what
// the browser runs.
//
// The page keeps to the content security policy
//
//	default-src 'self'; connect-src 'self'; img-src 'self' blob: data:;
//	media-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'self'
//
// with no inline script or style. A page on another origin can import
// edgecam.js only if these files are served with Access-Control-Allow-Origin.
package web

import (
	"embed"
	"io/fs"
)

//go:embed index.html page.css favicon.svg edgecam.js texts.js edgecam/*.js page/*.js
var embedded embed.FS

// FS is the root of the page: "index.html", "edgecam.js" and what they load.
// It is read-only and safe for concurrent use.
var FS fs.FS = embedded
