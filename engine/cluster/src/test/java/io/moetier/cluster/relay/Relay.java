package io.moetier.cluster.relay;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/// Stands between programs of this machine as a network would: passes on what comes over TCP, late, slowly or not at
/// all.
///
/// What it delays and how much it lets through may be changed at any time, for all connections at once, and counts for
/// each direction of a connection by itself. It listens on loopback. Each direction has two threads, one that takes
/// bytes and notes when they are due, and one that passes them on; what is on its way is bounded, as in a real link.
public final class Relay implements AutoCloseable {
    private static final int CHUNK_BYTES = 16 << 10;
    private static final int MAX_CHUNKS = 64; // on their way in one direction

    private final ServerSocketChannel listener;
    private final int target;
    private final Thread acceptor;
    private final List<SocketChannel> sockets = new ArrayList<>(); // guarded by this
    private final List<Thread> threads = new ArrayList<>(); // guarded by this
    private long delayNanos; // guarded by this
    private long bytesPerSecond = Long.MAX_VALUE; // guarded by this
    private long bytesPassed; // guarded by this
    private int copies = 1; // guarded by this
    private boolean stalled; // guarded by this
    private boolean refusing; // guarded by this

    private Relay(int target) throws IOException {
        this.target = target;
        this.listener = ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        this.acceptor = Thread.ofPlatform().daemon().name("relay-acceptor").start(this::accept);
    }

    /// Begins to pass on to a port of this machine what comes to [#port()].
    public static Relay to(int port) throws IOException {
        return new Relay(port);
    }

    /// Delays what comes from now on, one way.
    public synchronized Relay delay(long micros) {
        delayNanos = TimeUnit.MICROSECONDS.toNanos(micros);
        return this;
    }

    /// Lets so many bytes through in a second, in each direction of a connection.
    public synchronized Relay rate(long bytes) {
        bytesPerSecond = bytes;
        return this;
    }

    /// Has everything that is sent to the target on connections from now on be sent on a second connection as well,
    /// whose answers are dropped: as one who listens and repeats.
    public synchronized Relay duplicate() {
        copies = 2;
        return this;
    }

    /// Returns where it listens.
    public int port() {
        return listener.socket().getLocalPort();
    }

    /// Passes nothing on until it is resumed; connections stay, and their senders are stopped once what is on its way
    /// is full.
    public synchronized Relay stall() {
        stalled = true;
        return this;
    }

    /// Passes everything on again.
    public synchronized Relay resume() {
        stalled = false;
        notifyAll();
        return this;
    }

    /// Closes all connections, and those that come until it is mended.
    public Relay cut() {
        synchronized (this) {
            refusing = true;
        }
        closeSockets();
        return this;
    }

    /// Takes connections again after a cut.
    public synchronized Relay mend() {
        refusing = false;
        return this;
    }

    /// Returns the bytes that were passed on, both ways and in all.
    public synchronized long bytesPassed() {
        return bytesPassed;
    }

    /// Closes everything, and returns when no thread is left.
    @Override
    public void close() throws IOException {
        listener.close();
        cut();
        resume();
        try {
            acceptor.join();
            List<Thread> all;
            synchronized (this) {
                all = List.copyOf(threads);
            }
            for (Thread thread : all) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException) new InterruptedIOException().initCause(e);
        }
    }

    private void accept() {
        while (listener.isOpen()) {
            try {
                connect(listener.accept());
            } catch (IOException e) { // closed, or nobody listens at the target
                closeQuietly(listener);
            }
        }
    }

    private void connect(SocketChannel source) throws IOException {
        synchronized (this) {
            sockets.add(source);
            if (refusing) {
                source.close();
                return;
            }
            threads.removeIf(thread -> !thread.isAlive());
            sockets.removeIf(socket -> !socket.isOpen());
        }
        source.socket().setTcpNoDelay(true);
        List<SocketChannel> targets = new ArrayList<>();
        try {
            int wanted;
            synchronized (this) {
                wanted = copies;
            }
            for (int i = 0; i < wanted; i++) {
                targets.add(open());
            }
        } catch (IOException e) { // as if nobody listened here
            source.close();
            return;
        }
        Direction there = new Direction(source, targets);
        start("relay-there", there);
        for (SocketChannel each : targets) {
            start("relay-back", new Direction(each, each.equals(targets.getFirst()) ? List.of(source) : List.of()));
        }
    }

    private SocketChannel open() throws IOException {
        SocketChannel socket = SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), target));
        socket.socket().setTcpNoDelay(true);
        synchronized (this) {
            sockets.add(socket);
        }
        return socket;
    }

    private synchronized void start(String name, Direction direction) {
        threads.add(Thread.ofPlatform().daemon().name(name + "-in").start(direction::take));
        threads.add(Thread.ofPlatform().daemon().name(name + "-out").start(direction::pass));
    }

    private void closeSockets() {
        List<SocketChannel> all;
        synchronized (this) {
            all = List.copyOf(sockets);
            sockets.clear();
        }
        all.forEach(Relay::closeQuietly);
    }

    private static void closeQuietly(AutoCloseable closed) {
        try {
            closed.close();
        } catch (Exception e) {
            throw new IllegalStateException(e); // sockets close
        }
    }

    /// Waits while stalled, and returns how long a chunk that has come now must wait, and how long it then takes.
    private synchronized long[] costs(int numBytes) {
        return new long[] {
            delayNanos, bytesPerSecond == Long.MAX_VALUE ? 0 : TimeUnit.SECONDS.toNanos(numBytes) / bytesPerSecond
        };
    }

    private synchronized void awaitResumption() throws InterruptedException {
        while (stalled) {
            wait();
        }
    }

    private synchronized void count(int numBytes) {
        bytesPassed += numBytes;
    }

    private record Chunk(ByteBuffer bytes, long dueNanos) {}

    /// What goes one way over one connection.
    private final class Direction {
        private final SocketChannel source;
        private final List<SocketChannel> targets;
        private final ArrayDeque<Chunk> onTheirWay = new ArrayDeque<>(); // guarded by this
        private boolean hasEnded; // guarded by this

        Direction(SocketChannel source, List<SocketChannel> targets) {
            this.source = source;
            this.targets = targets;
        }

        void take() {
            long free = System.nanoTime(); // when the link is done with what came before
            try {
                while (true) {
                    ByteBuffer bytes = ByteBuffer.allocate(CHUNK_BYTES);
                    if (source.read(bytes) < 0) {
                        break;
                    }
                    bytes.flip();
                    long[] costs = costs(bytes.remaining());
                    free = Math.max(free, System.nanoTime()) + costs[1];
                    put(new Chunk(bytes, free + costs[0]));
                }
            } catch (IOException | InterruptedException e) { // cut
                closeQuietly(source);
            } finally {
                end();
            }
        }

        void pass() {
            try {
                for (Chunk chunk = next(); chunk != null; chunk = next()) {
                    for (long left = chunk.dueNanos() - System.nanoTime(); left > 0; ) {
                        LockSupport.parkNanos(left);
                        left = chunk.dueNanos() - System.nanoTime();
                    }
                    awaitResumption();
                    count(chunk.bytes().remaining());
                    for (SocketChannel target : targets) {
                        write(chunk.bytes().duplicate(), target);
                    }
                }
            } catch (IOException | InterruptedException e) { // cut
                closeQuietly(source);
            } finally {
                end();
                targets.forEach(Relay::closeQuietly);
            }
        }

        /// Who hears what is repeated may hang up without any harm to the first connection.
        private void write(ByteBuffer bytes, SocketChannel target) throws IOException {
            try {
                while (bytes.hasRemaining()) {
                    target.write(bytes);
                }
            } catch (IOException e) {
                if (target.equals(targets.getFirst())) {
                    throw e;
                }
            }
        }

        private synchronized void put(Chunk chunk) throws InterruptedException {
            while (onTheirWay.size() == MAX_CHUNKS && !hasEnded) {
                wait();
            }
            onTheirWay.add(chunk);
            notifyAll();
        }

        private synchronized Chunk next() throws InterruptedException {
            while (onTheirWay.isEmpty() && !hasEnded) {
                wait();
            }
            Chunk chunk = onTheirWay.poll();
            notifyAll();
            return chunk;
        }

        private synchronized void end() {
            hasEnded = true;
            notifyAll();
        }
    }
}
