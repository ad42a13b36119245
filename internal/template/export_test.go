package template

import "io"

// StreamBy is Stream for a text that is read size bytes at a time.
func (e *Engine) StreamBy(size int, c *Context, w io.Writer, src *io.SectionReader, o FileOptions) error {
	return e.stream(c, w, src, o, int64(size), size)
}
