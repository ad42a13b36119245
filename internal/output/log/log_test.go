package log_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/output/log"
)

func TestLog(t *testing.T) {
	var out bytes.Buffer
	tell, err := log.New(&out, "parallel=debug")
	if err != nil {
		t.Fatal(err)
	}
	tell(event.Lock{Step: "wait", Key: "global:etcd", Owner: "web2: Add", Holder: "web1: Add", Held: 3 * time.Second, Queue: 2})
	tell(event.Message{Text: "no part of it"})
	if want := `level=DEBUG msg=wait key=global:etcd owner="web2: Add" holder="web1: Add" held=3s queue=2` + "\n"; !strings.HasSuffix(out.String(), want) || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("%q", out.String())
	}
	for setting, fails := range map[string]bool{"": false, "parallel=info": false, "parallel=loud": true, "agent=debug": true} {
		if tell, err := log.New(&out, setting); (err != nil) != fails || tell != nil {
			t.Errorf("%q gave %v", setting, err)
		}
	}
}
