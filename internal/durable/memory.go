package durable

import (
	"bytes"
	"io/fs"
	"maps"
	"slices"
	"sync"
)

// Memory is a folder in memory, for nodes that are simulated: nothing of it
// survives the program. It implements FS.
type Memory struct {
	mu    sync.Mutex
	files map[string][]byte
}

// NewMemory returns an empty folder.
func NewMemory() *Memory { return &Memory{files: map[string][]byte{}} }

// ReadFile implements FS.
func (m *Memory) ReadFile(name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.files[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return bytes.Clone(b), nil
}

// Create implements FS.
func (m *Memory) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[name] = nil
	return memoryFile{m, name}, nil
}

// Append implements FS.
func (m *Memory) Append(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.files[name]; !ok {
		m.files[name] = nil
	}
	return memoryFile{m, name}, nil
}

// Rename implements FS.
func (m *Memory) Rename(oldName, newName string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.files[oldName]
	if !ok {
		return fs.ErrNotExist
	}
	delete(m.files, oldName)
	m.files[newName] = b
	return nil
}

// Remove implements FS.
func (m *Memory) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.files[name]; !ok {
		return fs.ErrNotExist
	}
	delete(m.files, name)
	return nil
}

// SyncDir implements FS.
func (m *Memory) SyncDir() error { return nil }

// Names implements FS.
func (m *Memory) Names() ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.files)), nil
}

type memoryFile struct {
	m    *Memory
	name string
}

func (f memoryFile) Write(p []byte) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	f.m.files[f.name] = append(f.m.files[f.name], p...)
	return len(p), nil
}

func (f memoryFile) Zero(n int) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	clear(f.m.files[f.name][:min(n, len(f.m.files[f.name]))])
	return nil
}

func (memoryFile) Sync() error  { return nil }
func (memoryFile) Close() error { return nil }
