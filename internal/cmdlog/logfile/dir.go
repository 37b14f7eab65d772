package logfile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/minio/highwayhash"
)

// streamDir is where the engine keeps the log's stream, below the data directory. EngineDir is the engine's own
// setting.
const (
	EngineDir = "jetstream"
	streamDir = EngineDir + "/jetstream/$G/streams/" + StreamName
	blockDir  = streamDir + "/msgs"
	blockExt  = ".blk"
	indexName = blockDir + "/index.db" // the engine's own summary of the blocks; if it is absent, the engine reads them
	batchDir  = streamDir + "/batches" // batches that the engine has not stored completely
	metaName  = streamDir + "/meta.inf"
	metaSum   = streamDir + "/meta.sum"
)

// LockName is the file that a server keeps locked while it uses the directory.
const LockName = "LOCK"

// MakeDir creates dir and its missing parents, and syncs them to disk.
func MakeDir(dir string) error {
	var parents []string
	for at := filepath.Clean(dir); at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		parents = append(parents, filepath.Dir(at))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, parent := range parents {
		// a directory that may not be read cannot be synced
		if err := syncDir(parent); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return nil
}

func blockName(number int) string { return blockDir + "/" + strconv.Itoa(number) + blockExt }

// blockNumbers lists the block files, in order.
func blockNumbers(dir string) ([]int, error) {
	files, err := os.ReadDir(filepath.Join(dir, blockDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var numbers []int
	for _, f := range files {
		name, is := strings.CutSuffix(f.Name(), blockExt)
		if n, err := strconv.Atoi(name); is && err == nil && n > 0 {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, err
}

// metaFits reports whether the engine will recognize the stream by its description. Without a valid one, it would treat
// the directory as empty.
func metaFits(dir string) bool {
	meta, err := os.ReadFile(filepath.Join(dir, metaName))
	if err != nil {
		return false
	}
	sum, err := os.ReadFile(filepath.Join(dir, metaSum))
	if err != nil {
		return false
	}
	key := sha256.Sum256([]byte(StreamName))
	h, err := highwayhash.NewDigest64(key[:])
	if err != nil {
		return false
	}
	_, _ = h.Write(meta) // a hash never fails
	return hex.EncodeToString(h.Sum(nil)) == string(sum)
}
