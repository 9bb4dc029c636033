package io.moetier.cluster.drive;

import io.moetier.runtime.metrics.NodeWork;

/// What one node did for a driver. Written by the thread that computes, read by any.
public final class NodeUse {
    private static final double NEWEST = 1.0 / 32; // share in the mean
    private static final double UNKNOWN = 1; // less than anything takes, so that whoever is new is asked soon

    private final String name;
    private volatile long numRequests;
    private volatile long numExperts;
    private volatile long numRows;
    private volatile long sentBytes;
    private volatile long receivedBytes;
    private volatile long numMissing;
    private volatile long numRead;
    private volatile long waitNanos;
    private volatile long nodeNanos;
    private volatile double nanosPerRow = UNKNOWN; // of an expert, lately, on the way and there

    NodeUse(String name) {
        this.name = name;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
    void sent(int experts, int rows, long bytes) {
        numRequests++;
        numExperts += experts;
        numRows += rows;
        sentBytes += bytes;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate")
    void received(long nanos, long rows, int missing) {
        waitNanos += nanos;
        numMissing += missing;
        double newest = (double) nanos / rows;
        nanosPerRow = isKnown() ? nanosPerRow + NEWEST * (newest - nanosPerRow) : newest;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate")
    void computed(long nanos, int read, long bytes) {
        nodeNanos += nanos;
        numRead += read;
        receivedBytes += bytes;
    }

    /// Returns all of it.
    NodeWork work() {
        return new NodeWork(
                name,
                new NodeWork.Experts(numExperts, numMissing, numRead),
                numRows,
                sentBytes,
                receivedBytes,
                waitNanos,
                nodeNanos);
    }

    /// Returns what people call the node.
    public String name() {
        return name;
    }

    /// Returns how many requests were sent.
    public long numRequests() {
        return numRequests;
    }

    /// Returns how many experts were asked for.
    public long numExperts() {
        return numExperts;
    }

    /// Returns how many rows of activations these were applied to.
    public long numRows() {
        return numRows;
    }

    /// Returns how many experts did not come back.
    public long numMissing() {
        return numMissing;
    }

    /// Returns how many experts the node had to read from its disk.
    public long numRead() {
        return numRead;
    }

    /// Returns the nanoseconds from requests to their replies' coming, whatever was done here meanwhile.
    public long waitNanos() {
        return waitNanos;
    }

    /// Returns the nanoseconds of these in which the node computed or read.
    public long nodeNanos() {
        return nodeNanos;
    }

    /// Says whether anything has come from the node yet.
    boolean isKnown() {
        return nanosPerRow != UNKNOWN;
    }

    /// Returns what a row of an expert takes lately, from the request to the reply.
    double nanosPerRow() {
        return nanosPerRow;
    }
}
