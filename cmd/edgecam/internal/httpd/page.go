package httpd

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// pageFiles are the page's files with their entity tags. They are small and
// known at start, so they are kept as they are sent.
type pageFiles map[string]pageFile

type pageFile struct {
	data        []byte
	etag        string
	contentType string
}

const maxPageFile = 4 << 20

// contentTypes are given here because the system's table may lack or twist
// them, and nosniff makes browsers believe what they are told.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".json": "application/json",
	".webmanifest": "application/manifest+json", ".txt": "text/plain; charset=utf-8", ".woff2": "font/woff2",
}

func loadPage(root fs.FS) (pageFiles, error) {
	files := pageFiles{}
	if root == nil {
		return files, nil
	}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() > maxPageFile {
			return fmt.Errorf("%s is too large for a page file", name)
		}
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		ct := contentTypes[path.Ext(name)]
		if ct == "" {
			if ct = mime.TypeByExtension(path.Ext(name)); ct == "" {
				ct = "application/octet-stream"
			}
		}
		files[name] = pageFile{data, `"` + hex.EncodeToString(sum[:12]) + `"`, ct}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("httpd: page: %w", err)
	}
	return files, nil
}

// ServeHTTP serves a file to anybody: the login form is part of the page, and
// other sites may import its modules.
func (p pageFiles) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		WriteProblem(w, http.StatusMethodNotAllowed, "files of the page can only be read")
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "" {
		name = "index.html"
	}
	f, ok := p[name]
	if !ok {
		WriteProblem(w, http.StatusNotFound, "there is nothing at this address")
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("ETag", f.etag)
	h.Set("Cache-Control", "no-cache")
	if name != "index.html" {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(f.data))
}
