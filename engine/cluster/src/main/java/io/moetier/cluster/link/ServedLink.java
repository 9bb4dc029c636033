package io.moetier.cluster.link;

import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.moetier.cluster.wire.ExpertReply;
import io.moetier.cluster.wire.ExpertRequest;
import io.moetier.cluster.wire.MalformedMessageException;
import io.moetier.cluster.wire.MessageKind;
import io.moetier.cluster.wire.MessageReader;
import io.moetier.cluster.wire.MessageWriter;
import io.moetier.storage.thread.Uninterrupted;
import java.io.InputStream;
import java.util.TreeSet;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/// A driver at a node, from the moment it has proved that it belongs here.
///
/// Concurrency: the thread of the transport puts what comes into `waiting` and asks for more only while there is room
/// for it, so that a driver that is ahead is stopped by the windows of HTTP/2. The link's own thread takes it
/// from there and computes. It writes a reply when the transport has passed on what it was given before; a
/// driver that does not read therefore stops its own thread only. What is ready is told by any thread and
/// gathered meanwhile. All that is sent goes out under `sending`, which nobody holds while waiting for the
/// other side.
///
/// However it ends, the transport says so once, the thread takes the end out of `waiting` or sees it while it waits for
/// the transport, and closes the guest as its last act.
final class ServedLink extends ServerCall.Listener<InputStream> {
    private static final int MAX_WAITING = 2;
    private static final long HELLO_SECONDS = 10;

    private final ServerCall<InputStream, InputStream> call;
    private final NodeService service;
    private final Consumer<ServedLink> whenOver;
    private final ArrayBlockingQueue<Incoming> waiting = new ArrayBlockingQueue<>(MAX_WAITING + 1);
    private final Object asking = new Object();
    private final Object sending = new Object();
    private final MessageReader reader = new MessageReader();
    private final MessageWriter writer = new MessageWriter();
    private final Outgoing outgoing = new Outgoing(writer);
    private final ExpertRequest request = new ExpertRequest();
    private final ExpertReply reply = new ExpertReply();
    private final Thread thread;

    private int numHeld; // guarded by asking
    private boolean isStarved; // guarded by asking
    private boolean hasEnded; // guarded by asking
    private boolean isOver; // guarded by sending
    private boolean isWelcome; // guarded by sending
    private final TreeSet<Integer> untold = new TreeSet<>(); // guarded by sending

    ServedLink(
            ServerCall<InputStream, InputStream> call,
            NodeService service,
            String name,
            Consumer<ServedLink> whenOver) {
        this.call = call;
        this.service = service;
        this.whenOver = whenOver;
        this.thread = Thread.ofPlatform().daemon().name(name).unstarted(this::run);
    }

    void start() {
        thread.start();
        call.request(1);
    }

    /// Waits for the thread of a link whose call has ended.
    void awaitEnd() {
        Uninterrupted.join(thread);
    }

    @Override
    public void onMessage(InputStream message) {
        Incoming incoming = Incoming.of(message);
        synchronized (asking) {
            if (hasEnded) {
                incoming.close();
                return;
            }
            waiting.add(incoming);
            numHeld++;
            isStarved = numHeld >= MAX_WAITING;
            if (isStarved) {
                return;
            }
        }
        call.request(1);
    }

    @Override
    public void onReady() {
        synchronized (sending) {
            tellReady();
            sending.notifyAll();
        }
    }

    @Override
    public void onHalfClose() {
        end();
    }

    @Override
    public void onCancel() {
        end();
    }

    @Override
    public void onComplete() {
        end();
    }

    private void end() {
        synchronized (asking) {
            if (hasEnded) {
                return;
            }
            hasEnded = true;
            Incoming.end(waiting);
        }
        synchronized (sending) {
            isOver = true;
            sending.notifyAll();
        }
    }

    private void run() {
        Status status = Status.OK;
        try {
            serve();
        } catch (MalformedMessageException | RefusedException e) {
            status = Failure.refusal(e);
        } catch (Throwable e) { // the top of the thread
            status = Failure.refusal(new RefusedException("the node failed: " + e));
        } finally {
            end();
            if (!call.isCancelled()) {
                call.close(status, new Metadata());
            }
            whenOver.accept(this);
        }
    }

    private void serve() throws InterruptedException {
        Incoming first = waiting.poll(HELLO_SECONDS, TimeUnit.SECONDS);
        if (first == null) {
            throw new RefusedException("the driver did not say hello within " + HELLO_SECONDS + " s");
        }
        if (first == Incoming.END) {
            return;
        }
        take(first);
        try (NodeService.Guest guest = service.open(reader.hello(), this::ready)) {
            synchronized (sending) {
                if (!isOver) {
                    writer.write(guest.welcome());
                    call.sendMessage(outgoing.rewound());
                }
                isWelcome = true;
                tellReady();
            }
            for (Incoming next = waiting.take(); next != Incoming.END; next = waiting.take()) {
                take(next);
                answer(guest);
            }
        }
    }

    private void take(Incoming incoming) {
        incoming.readInto(reader);
        synchronized (asking) {
            numHeld--;
            if (!isStarved) {
                return;
            }
            isStarved = false;
        }
        call.request(1);
    }

    private void answer(NodeService.Guest guest) throws InterruptedException {
        switch (reader.kind()) {
            case REQUEST -> {
                reader.request(request);
                guest.compute(request, reply);
                synchronized (sending) {
                    if (mayWrite()) {
                        writer.write(reply);
                        call.sendMessage(outgoing.rewound());
                    }
                }
            }
            case ASSIGN -> guest.assign(reader.ids(MessageKind.ASSIGN));
            case PING -> {
                long number = reader.probe(MessageKind.PING);
                int numBytes = reader.bytesBack();
                synchronized (sending) {
                    if (mayWrite()) {
                        writer.writePong(number, numBytes);
                        call.sendMessage(outgoing.rewound());
                    }
                }
            }
            case HELLO, WELCOME, READY, REPLY, PONG ->
                throw new RefusedException("a driver does not send " + reader.kind() + " there");
        }
    }

    /// Waits until the transport has passed on what it was given, and says whether there is still somebody. Called
    /// under `sending`.
    private boolean mayWrite() throws InterruptedException {
        while (!isOver && !call.isReady()) {
            sending.wait();
        }
        return !isOver;
    }

    private void ready(int[] ids) {
        synchronized (sending) {
            for (int id : ids) {
                untold.add(id);
            }
            tellReady();
        }
    }

    /// Called under `sending`.
    private void tellReady() {
        if (isWelcome && !isOver && !untold.isEmpty() && call.isReady()) {
            writer.writeIds(
                    MessageKind.READY,
                    untold.stream().mapToInt(Integer::intValue).toArray());
            untold.clear();
            call.sendMessage(outgoing.rewound());
        }
    }
}
