// Package container runs the binaries as a container does, without a container engine: in a root of their own with
// nothing else in it, as the user of the image, read-only but for the data volume, as process 1, in a network of their
// own.
//
// It builds the Dockerfile's binaries from the files that .dockerignore lets through, and takes entry points, user,
// health check and services from the Dockerfile and the compose file. It needs Linux and root: a chroot, a mount and a
// network namespace.
package container
