package io.moetier.cluster.link;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.moetier.cluster.membership.Identity;
import io.moetier.cluster.wire.ExpertReply;
import io.moetier.cluster.wire.ExpertRequest;
import io.moetier.cluster.wire.Hello;
import io.moetier.cluster.wire.MalformedMessageException;
import io.moetier.cluster.wire.MessageKind;
import io.moetier.cluster.wire.MessageReader;
import io.moetier.cluster.wire.MessageWriter;
import io.moetier.cluster.wire.Protocol;
import io.moetier.cluster.wire.Welcome;
import io.moetier.storage.thread.Uninterrupted;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/// A link over a stream of gRPC.
///
/// Concurrency: a thread of the transport's own sorts what comes: what is ready is noted at once, replies and
/// pongs wait for whoever asked, and there are never more of them than were asked for. What a reply lacks is no
/// longer ready, unless that was said after the request had gone out: nobody knows which of both is newer then, and
/// the next request tells. All that is sent goes out under `sending`, which is not held while anything is waited
/// for. The first failure is the one that counts; it is noted under `ending`, ends every wait, and cancels the
/// stream.
public final class GrpcNodeLink implements NodeLink {
    private static final long PROBE_SECONDS = 5;

    private final String name;
    private final Identity identity;
    private final MemberChannel connection;
    private final CompletableFuture<Metadata> headers = new CompletableFuture<>();
    private final CompletableFuture<Welcome> welcome = new CompletableFuture<>();
    private final ArrayBlockingQueue<Incoming> replies = new ArrayBlockingQueue<>(MAX_UNANSWERED + 1);
    private final ArrayBlockingQueue<Incoming> pongs = new ArrayBlockingQueue<>(2);
    private final Object sending = new Object();
    private final Object ending = new Object();
    private final Object noting = new Object();
    private final Object probing = new Object();
    private final MessageReader reader = new MessageReader();
    private final Unanswered unanswered = new Unanswered();
    private long arrivalNanos;
    private volatile Readiness readiness = Readiness.NONE; // changed under noting, as is the next one
    private volatile int numTold; // messages of what is ready
    private volatile @Nullable String failure;
    private final MessageWriter writer = new MessageWriter(); // guarded by sending
    private final Outgoing outgoing = new Outgoing(writer); // guarded by sending
    private @Nullable ClientCall<InputStream, InputStream> call; // guarded by sending
    private int @Nullable [] toAssign; // guarded by sending
    private final MessageReader pongReader = new MessageReader(); // guarded by probing
    private long numProbes; // guarded by probing

    private GrpcNodeLink(String name, InetSocketAddress address, Identity identity) {
        this.name = name;
        this.identity = identity;
        connection = new MemberChannel("moetier-link-io " + name, address, identity);
    }

    /// Opens a link to a node.
    ///
    /// @param deadline how long that may take
    /// @throws RefusedException if one side does not take the other
    /// @throws IOException if there is no node, or it does not answer in time
    public static GrpcNodeLink open(String host, int port, Identity identity, Hello hello, Duration deadline)
            throws IOException {
        GrpcNodeLink link = new GrpcNodeLink(host + ":" + port, MemberChannel.resolved(host, port), identity);
        try {
            link.begin(hello, deadline);
            return link;
        } catch (IOException | RuntimeException e) {
            link.close();
            throw e;
        }
    }

    private void begin(Hello hello, Duration deadline) throws IOException {
        long start = System.nanoTime();
        ClientCall<InputStream, InputStream> opened = connection.channel().newCall(Streams.LINK, CallOptions.DEFAULT);
        opened.start(new Ears(opened), ProtocolHeader.headers());
        synchronized (sending) {
            call = opened;
        }
        try {
            ProtocolHeader.requireVersion(await(headers, start, deadline), "driver", "node");
            synchronized (sending) {
                if (isUp()) {
                    writer.write(hello);
                    send(opened);
                }
            }
            opened.request(1);
        } catch (RefusedException e) {
            throw fail(String.valueOf(e.getMessage()), true);
        }
        await(welcome, start, deadline);
    }

    private <T> T await(CompletableFuture<T> awaited, long start, Duration deadline) throws IOException {
        try {
            return awaited.get(deadline.toNanos() - (System.nanoTime() - start), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new IOException(name + ": no answer within " + deadline.toMillis() + " ms", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException) new InterruptedIOException(name + ": interrupted").initCause(e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RefusedException refused) {
                throw refused;
            }
            throw new IOException(failure(), e.getCause());
        }
    }

    @Override
    public Welcome welcome() {
        return welcome.join();
    }

    @Override
    public boolean isUp() {
        return failure == null;
    }

    @Override
    public String failure() {
        String reason = failure;
        return reason == null ? name + ": up" : reason;
    }

    @Override
    public void fail(String why) {
        fail(why, false);
    }

    @Override
    public boolean has(int id) {
        return readiness.has(id);
    }

    @Override
    public void assign(int[] ids) {
        synchronized (noting) {
            readiness = readiness.of(ids);
        }
        synchronized (sending) {
            toAssign = ids.clone();
            sendAssigned();
        }
    }

    /// Sends the assignment that has not gone out yet, of which there is never more than one. Called under `sending`.
    private void sendAssigned() {
        int[] ids = toAssign;
        ClientCall<InputStream, InputStream> open = call;
        if (ids != null && open != null && isUp() && open.isReady()) {
            toAssign = null;
            writer.writeIds(MessageKind.ASSIGN, ids);
            send(open);
        }
    }

    @Override
    public void send(ExpertRequest request) {
        unanswered.requireRoom();
        int told = numTold;
        synchronized (sending) {
            if (isUp() && call != null) {
                writer.write(request);
                unanswered.add(request, told);
                send(call);
            }
        }
    }

    /// Called under `sending`.
    private void send(ClientCall<InputStream, InputStream> open) {
        open.sendMessage(outgoing.rewound());
    }

    @Override
    public boolean receive(ExpertReply reply, long nanos) {
        if (!isUp()) {
            return false;
        }
        unanswered.requireSome();
        Incoming next = await(replies, nanos);
        if (next == null) {
            fail("no reply within " + TimeUnit.NANOSECONDS.toMillis(nanos) + " ms", false);
            return false;
        }
        if (next == Incoming.END) {
            return false;
        }
        try {
            next.readInto(reader);
            reader.reply(reply);
            unready(reply, unanswered.remove(reply));
            arrivalNanos = next.arrivalNanos();
        } catch (MalformedMessageException | RefusedException e) {
            fail(String.valueOf(e.getMessage()), true);
            return false;
        }
        return true;
    }

    @Override
    public long arrivalNanos() {
        return arrivalNanos;
    }

    /// Notes which experts the node lacks, unless it has said since it was asked that it has them.
    private void unready(ExpertReply reply, Unanswered.Asked asked) {
        for (int i = 0; i < reply.numExperts; i++) {
            if (reply.lacking[i]) {
                synchronized (noting) {
                    readiness.remove(asked.id(i), asked.told());
                }
            }
        }
    }

    /// Waits whether interrupted or not: who interrupts a driver wants no link to fail.
    private static @Nullable Incoming await(ArrayBlockingQueue<Incoming> queue, long nanos) {
        long start = System.nanoTime();
        return Uninterrupted.get(() -> queue.poll(nanos - (System.nanoTime() - start), TimeUnit.NANOSECONDS));
    }

    @Override
    public long roundTripNanos(int bytesThere, int bytesBack, int repetitions) {
        if (bytesBack < 0 || bytesBack > Protocol.MAX_BYTES || repetitions < 1) {
            throw new IllegalArgumentException(repetitions + " pongs of " + bytesBack + " bytes");
        }
        long[] nanos = new long[repetitions];
        synchronized (probing) {
            for (int i = 0; i < repetitions; i++) {
                nanos[i] = probe(bytesThere, bytesBack);
                if (nanos[i] == Long.MAX_VALUE) {
                    return Long.MAX_VALUE;
                }
            }
        }
        Arrays.sort(nanos);
        return nanos[repetitions / 2];
    }

    /// Called under `probing`.
    private long probe(int bytesThere, int bytesBack) {
        long number = numProbes++;
        long start = System.nanoTime();
        synchronized (sending) {
            if (!isUp() || call == null) {
                return Long.MAX_VALUE;
            }
            writer.writePing(number, bytesThere, bytesBack);
            send(call);
        }
        Incoming pong = await(pongs, TimeUnit.SECONDS.toNanos(PROBE_SECONDS));
        if (pong == null) {
            fail("no pong within " + PROBE_SECONDS + " s", false);
            return Long.MAX_VALUE;
        }
        if (pong == Incoming.END) {
            return Long.MAX_VALUE;
        }
        try {
            pong.readInto(pongReader);
            long found = pongReader.probe(MessageKind.PONG);
            if (found != number) {
                throw new RefusedException("pong " + found + " came in place of " + number);
            }
        } catch (MalformedMessageException | RefusedException e) {
            fail(String.valueOf(e.getMessage()), true);
            return Long.MAX_VALUE;
        }
        return System.nanoTime() - start;
    }

    @Override
    public void close() {
        fail("closed", false);
        connection.close();
    }

    /// Takes the link down, unless it is, and returns why it is down.
    private RuntimeException fail(String reason, boolean isRefusal) {
        String sentence = name + ": " + reason;
        synchronized (ending) {
            if (failure != null) {
                return new RefusedException(failure);
            }
            failure = sentence;
            Incoming.end(replies);
            Incoming.end(pongs);
        }
        RuntimeException cause = isRefusal ? new RefusedException(sentence) : new IllegalStateException(sentence);
        headers.completeExceptionally(cause);
        welcome.completeExceptionally(cause);
        synchronized (sending) {
            if (call != null) {
                call.cancel(reason, null);
            }
        }
        return cause;
    }

    /// Hears what comes over a call.
    private final class Ears extends ClientCall.Listener<InputStream> {
        private final ClientCall<InputStream, InputStream> call;
        private final MessageReader reader = new MessageReader();

        Ears(ClientCall<InputStream, InputStream> call) {
            this.call = call;
        }

        @Override
        public void onHeaders(Metadata received) {
            headers.complete(received);
        }

        @Override
        public void onMessage(InputStream message) {
            Incoming incoming = Incoming.of(message);
            try {
                sort(incoming);
            } catch (MalformedMessageException | RefusedException e) {
                incoming.close();
                fail(String.valueOf(e.getMessage()), true);
                return;
            }
            call.request(1);
        }

        private void sort(Incoming incoming) {
            switch (incoming.kind()) {
                case REPLY -> keep(incoming, replies, MAX_UNANSWERED);
                case PONG -> keep(incoming, pongs, 1);
                case READY -> {
                    incoming.readInto(reader);
                    int[] ids = reader.ids(MessageKind.READY);
                    synchronized (noting) {
                        readiness.add(ids, numTold + 1);
                        numTold++;
                    }
                }
                case WELCOME -> {
                    incoming.readInto(reader);
                    if (!welcome.complete(reader.welcome())) {
                        throw new RefusedException("the node says welcome twice");
                    }
                }
                case HELLO, ASSIGN, REQUEST, PING ->
                    throw new RefusedException("a node does not send " + incoming.kind());
            }
        }

        private void keep(Incoming incoming, ArrayBlockingQueue<Incoming> queue, int most) {
            synchronized (ending) {
                if (failure != null) {
                    incoming.close();
                } else if (queue.size() < most) {
                    queue.add(incoming);
                } else {
                    throw new RefusedException("the node answers more than it was asked");
                }
            }
        }

        @Override
        public void onReady() {
            synchronized (sending) {
                sendAssigned();
            }
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            Failure.refusal(status)
                    .ifPresentOrElse(
                            sentence -> fail(sentence, true),
                            () -> fail(status.isOk() ? "the node left" : Failure.reason(status, identity), false));
        }
    }
}
