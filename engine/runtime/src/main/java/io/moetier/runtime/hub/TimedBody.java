package io.moetier.runtime.hub;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// The body of an answer as it comes in; a read that gets nothing for too long fails, which no stream of the JDK's
/// client does.
///
/// One thread reads and closes; the client's own hand in what has come, a piece each time they are asked for one.
final class TimedBody extends InputStream implements BodySubscriber<TimedBody> {
    private final Duration patience;
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final CompletableFuture<Subscription> subscription = new CompletableFuture<>();
    private final Deque<ByteBuffer> pieces = new ArrayDeque<>();
    private boolean ended;

    /// What the client says: pieces, or the end, which may be a failure.
    private record Event(
            List<ByteBuffer> pieces, boolean last, @Nullable Throwable failure) {}

    TimedBody(Duration patience) {
        this.patience = patience;
    }

    @Override
    public CompletionStage<TimedBody> getBody() {
        return CompletableFuture.completedStage(this);
    }

    @Override
    public void onSubscribe(Subscription newSubscription) {
        subscription.complete(newSubscription);
        newSubscription.request(1);
    }

    @Override
    public void onNext(List<ByteBuffer> newPieces) {
        events.add(new Event(newPieces, false, null));
    }

    @Override
    public void onError(Throwable failure) {
        events.add(new Event(List.of(), true, failure));
    }

    @Override
    public void onComplete() {
        events.add(new Event(List.of(), true, null));
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        while (pieces.isEmpty() || !pieces.peekFirst().hasRemaining()) {
            if (!pieces.isEmpty()) {
                pieces.removeFirst();
            } else if (ended) {
                return -1;
            } else {
                await();
            }
        }
        ByteBuffer piece = pieces.getFirst();
        int taken = Math.min(length, piece.remaining());
        piece.get(bytes, offset, taken);
        return taken;
    }

    private void await() throws IOException {
        try {
            Event event = events.poll(patience.toNanos(), TimeUnit.NANOSECONDS);
            if (event == null) {
                throw new HttpTimeoutException("nothing came for " + patience.toSeconds() + " s");
            }
            ended = event.last();
            pieces.addAll(event.pieces());
            if (event.failure() != null) {
                throw new IOException(reason(event.failure()), event.failure());
            }
            if (!ended) {
                subscription.join().request(1);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while reading from the hub");
        }
    }

    private static String reason(Throwable failure) {
        return String.valueOf(failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage());
    }

    /// Asks for no more; the connection is given up if something is still to come.
    @Override
    public void close() {
        if (!ended) {
            ended = true;
            var _ = subscription.thenAccept(Subscription::cancel);
        }
    }
}
