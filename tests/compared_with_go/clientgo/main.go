// client-go's shared informers in front of a server that plays scripts. Reads a JSON array of scripts from standard input,
// plays many of them at once, and writes a JSON line for each notification and one for the end of each script.
// ../ours.py is the same with this library, and ../notifications.py has what the lines mean.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

type script struct {
	Name     string    `json:"name"`
	URL      string    `json:"url"`
	Client   string    `json:"client"`
	Resync   float64   `json:"resync"`
	Handlers []handler `json:"handlers"`
	// An object that the transform fails for; none where it is empty.
	TransformFailsOn string  `json:"transform_fails_on"`
	Crashes          bool    `json:"crashes"`
	Limit            float64 `json:"limit"`
}

type handler struct {
	Name     string   `json:"name"`
	Resync   *float64 `json:"resync"`
	Late     bool     `json:"late"`
	Removed  bool     `json:"removed"`
	Stops    bool     `json:"stops"`
	Filters  bool     `json:"filters"`
	RaisesOn string   `json:"raises_on"`
	Resyncs  string   `json:"resyncs"`
}

type notification struct {
	Script    string `json:"script"`
	Handler   string `json:"handler"`
	Kind      string `json:"kind"`
	Key       string `json:"key"`
	Old       string `json:"old"`
	New       string `json:"new"`
	OldUID    string `json:"old_uid"`
	UID       string `json:"uid"`
	Initial   bool   `json:"initial"`
	Tombstone bool   `json:"tombstone"`
}

type ending struct {
	Script  string            `json:"script"`
	Outcome string            `json:"outcome"`
	Cache   map[string]string `json:"cache"`
	Synced  map[string]bool   `json:"synced"`
}

// atOnce is how many scripts are under way at a time: with all of them, nothing would be quick.
const atOnce = 64

var (
	output     = json.NewEncoder(os.Stdout)
	outputLock sync.Mutex
)

func write(line any) {
	outputLock.Lock()
	defer outputLock.Unlock()
	_ = output.Encode(line)
}

func main() {
	klog.SetLogger(logr.Discard())
	var scripts []script
	if err := json.NewDecoder(os.Stdin).Decode(&scripts); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var all sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for _, s := range scripts {
		// By default a panic in a handler ends the process: a script that wants to see that has a process of its own.
		runtime.ReallyCrash = s.Crashes
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if err := (&play{script: s, end: make(chan string, 1)}).run(); err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", s.Name, err)
				os.Exit(2)
			}
		})
	}
	all.Wait()
}

// play is one script under way.
type play struct {
	script   script
	informer cache.SharedIndexInformer
	stop     context.CancelFunc
	end      chan string

	lock          sync.Mutex
	registrations map[string]cache.ResourceEventHandlerRegistration
	acted         map[string]bool
	awaited       map[string]bool
	resynced      bool
}

func (p *play) run() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p.stop = cancel
	informer, err := p.newInformer()
	if err != nil {
		return err
	}
	p.informer = informer
	p.registrations = map[string]cache.ResourceEventHandlerRegistration{}
	p.acted, p.awaited = map[string]bool{}, map[string]bool{}
	if name := p.script.TransformFailsOn; name != "" {
		if err := informer.SetTransform(func(object any) (any, error) {
			if found, err := meta.Accessor(object); err == nil && found.GetName() == name {
				return nil, errors.New("the transform does not like this")
			}
			return object, nil
		}); err != nil {
			return err
		}
	}
	for _, h := range p.script.Handlers {
		if !h.Late {
			if err := p.add(h); err != nil {
				return err
			}
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		informer.RunWithContext(ctx)
	}()
	outcome := "the script ended"
	select {
	case outcome = <-p.end:
	case <-time.After(time.Duration(p.script.Limit * float64(time.Second))):
		outcome = "it did not get to the end"
	}
	result := ending{Script: p.script.Name, Outcome: outcome, Cache: map[string]string{}, Synced: map[string]bool{}}
	for _, object := range informer.GetStore().List() {
		if found, err := meta.Accessor(object); err == nil {
			result.Cache[key(found)] = found.GetResourceVersion()
		}
	}
	p.lock.Lock()
	registrations := p.registrations
	p.lock.Unlock()
	// The trackers learn of what has been delivered a moment after it has been.
	for until := time.Now().Add(time.Second); time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
		all := true
		for name, registration := range registrations {
			result.Synced[name] = registration.HasSynced()
			all = all && result.Synced[name]
		}
		if all {
			break
		}
	}
	cancel()
	<-ended
	write(result)
	return nil
}

func (p *play) newInformer() (cache.SharedIndexInformer, error) {
	config := &rest.Config{Host: p.script.URL, QPS: -1}
	config.ContentType = "application/json"
	resync := time.Duration(p.script.Resync * float64(time.Second))
	pods := v1.SchemeGroupVersion.WithResource("pods")
	switch p.script.Client {
	case "dynamic":
		client, err := dynamic.NewForConfig(config)
		if err != nil {
			return nil, err
		}
		return dynamicinformer.NewDynamicSharedInformerFactory(client, resync).ForResource(pods).Informer(), nil
	case "metadata":
		client, err := metadata.NewForConfig(config)
		if err != nil {
			return nil, err
		}
		return metadatainformer.NewSharedInformerFactory(client, resync).ForResource(pods).Informer(), nil
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return informers.NewSharedInformerFactory(client, resync).Core().V1().Pods().Informer(), nil
}

// add adds a handler; one that is late is added by another one, in its own thread.
func (p *play) add(h handler) error {
	var inner cache.ResourceEventHandler = &told{play: p, handler: h}
	if h.Filters {
		inner = cache.FilteringResourceEventHandler{FilterFunc: passes, Handler: inner}
	}
	options := cache.HandlerOptions{}
	if h.Resync != nil {
		period := time.Duration(*h.Resync * float64(time.Second))
		options.ResyncPeriod = &period
	}
	p.lock.Lock()
	p.awaited[h.Name] = true
	p.lock.Unlock()
	registration, err := p.informer.AddEventHandlerWithOptions(inner, options)
	if err != nil {
		return err
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	p.registrations[h.Name] = registration
	return nil
}

func passes(object any) bool {
	if tombstone, isTombstone := object.(cache.DeletedFinalStateUnknown); isTombstone {
		object = tombstone.Obj
	}
	found, err := meta.Accessor(object)
	return err == nil && found.GetLabels()["passes"] != "no"
}

// told is a handler: it writes down what it is told, and does what the script wants done at that.
type told struct {
	play    *play
	handler handler
}

func (t *told) OnAdd(object any, isInInitialList bool) {
	found := accessor(object)
	t.note(notification{Kind: "ADDED", New: found.GetResourceVersion(), UID: string(found.GetUID()), Initial: isInInitialList}, found)
}

func (t *told) OnUpdate(old, new any) {
	before, found := accessor(old), accessor(new)
	t.note(notification{
		Kind: "UPDATED",
		Old:  before.GetResourceVersion(), OldUID: string(before.GetUID()),
		New: found.GetResourceVersion(), UID: string(found.GetUID()),
	}, found)
}

func (t *told) OnDelete(object any) {
	tombstone, isTombstone := object.(cache.DeletedFinalStateUnknown)
	if isTombstone {
		object = tombstone.Obj
	}
	found := accessor(object)
	t.note(notification{Kind: "DELETED", Old: found.GetResourceVersion(), OldUID: string(found.GetUID()), Tombstone: isTombstone}, found)
}

func (t *told) note(n notification, object metav1.Object) {
	n.Script, n.Handler, n.Key = t.play.script.Name, t.handler.Name, key(object)
	write(n)
	if t.handler.RaisesOn != "" && object.GetName() == t.handler.RaisesOn {
		panic("the handler does not like this")
	}
	if t.handler.Resyncs == object.GetName() && n.Kind == "UPDATED" && n.Old == n.New {
		t.play.resync()
	}
	switch {
	case n.Kind == "ADDED" && object.GetName() == "act":
		t.play.act(t.handler)
	case n.Kind == "ADDED" && object.GetName() == "end":
		t.play.reached(t.handler)
	}
}

// resync tells the server that the first resync has come.
func (p *play) resync() {
	p.lock.Lock()
	first := !p.resynced
	p.resynced = true
	p.lock.Unlock()
	if first {
		p.proceed()
	}
}

// act does what the script wants when the last of the handlers has come to the object "act", and tells the server.
func (p *play) act(last handler) {
	p.lock.Lock()
	p.acted[last.Name] = true
	if last.Late || len(p.acted) < len(p.awaited) {
		p.lock.Unlock()
		return
	}
	p.lock.Unlock()
	for _, h := range p.script.Handlers {
		switch {
		case h.Late:
			if err := p.add(h); err != nil {
				p.finish(err.Error())
			}
		case h.Removed:
			p.lock.Lock()
			registration := p.registrations[h.Name]
			delete(p.registrations, h.Name)
			delete(p.awaited, h.Name)
			p.lock.Unlock()
			if err := p.informer.RemoveEventHandler(registration); err != nil {
				p.finish(err.Error())
			}
		case h.Stops:
			p.stop()
			p.finish("it was stopped")
			return
		}
	}
	p.proceed()
}

// reached ends the script when the last of the handlers has come to the object "end".
func (p *play) reached(last handler) {
	p.lock.Lock()
	delete(p.awaited, last.Name)
	over := len(p.awaited) == 0
	p.lock.Unlock()
	if over {
		p.finish("the script ended")
	}
}

func (p *play) finish(outcome string) {
	select {
	case p.end <- outcome:
	default:
	}
}

func (p *play) proceed() {
	response, err := http.Post(p.script.URL+"/proceed", "", nil)
	if err != nil {
		p.finish(err.Error())
		return
	}
	_ = response.Body.Close()
}

func accessor(object any) metav1.Object {
	found, err := meta.Accessor(object)
	if err != nil {
		return &metav1.ObjectMeta{Name: strings.TrimSpace(err.Error())}
	}
	return found
}

func key(object metav1.Object) string {
	if object.GetNamespace() == "" {
		return object.GetName()
	}
	return object.GetNamespace() + "/" + object.GetName()
}
