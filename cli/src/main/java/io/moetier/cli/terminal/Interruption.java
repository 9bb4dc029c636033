package io.moetier.cli.terminal;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;

/// What Ctrl-C does while an answer is made.
///
/// The first asks it to stop, which whoever makes it notices between two layers. Where nobody notices in time, because
/// the time goes into something that does not ask, or where it is not over in time after that, because its end cannot
/// be written, `overdue` is told once. What a second one does is `again`, and so does one that comes when it is over.
///
/// Threads: any may interrupt and any may ask.
public final class Interruption implements BooleanSupplier, AutoCloseable {
    private static final long PATIENCE_MILLIS = 1000;

    private final long patienceMillis;
    private final Runnable overdue;
    private final Runnable again;
    private final AtomicBoolean asked = new AtomicBoolean();
    private final CountDownLatch noticed = new CountDownLatch(1);
    private final CountDownLatch over = new CountDownLatch(1);

    Interruption(long patienceMillis, Runnable overdue, Runnable again) {
        this.patienceMillis = patienceMillis;
        this.overdue = overdue;
        this.again = again;
    }

    /// Returns one for a command that ends with its answer: it ends the process when it is overdue or comes again. All
    /// that is to be cleaned up is; a third Ctrl-C does not even wait for that.
    public static Interruption ofCommand() {
        AtomicBoolean ending = new AtomicBoolean();
        Runnable end = () -> {
            if (ending.getAndSet(true)) {
                Runtime.getRuntime().halt(Failure.INTERRUPTED);
            }
            System.exit(Failure.INTERRUPTED);
        };
        return new Interruption(PATIENCE_MILLIS, end, end);
    }

    /// Returns one for an answer after which the conversation goes on: only a Ctrl-C that comes after `tell` said that
    /// the first is overdue ends the process.
    public static Interruption ofConversation(Runnable tell) {
        AtomicBoolean told = new AtomicBoolean();
        return new Interruption(
                PATIENCE_MILLIS,
                () -> {
                    told.set(true);
                    tell.run();
                },
                () -> {
                    if (told.get()) {
                        System.exit(Failure.INTERRUPTED);
                    }
                });
    }

    /// Asks to stop.
    public void interrupt() {
        if (asked.getAndSet(true) || over.getCount() == 0) {
            again.run();
        } else {
            Thread.ofPlatform().daemon().name("moetier-interruption").start(this::awaitNotice);
        }
    }

    /// Says whether to stop, and takes notice.
    @Override
    public boolean getAsBoolean() {
        if (asked.get()) {
            noticed.countDown();
        }
        return asked.get();
    }

    /// Ends the watch: there is nothing left to stop.
    @Override
    public void close() {
        noticed.countDown();
        over.countDown();
    }

    private void awaitNotice() {
        try {
            if (!noticed.await(patienceMillis, TimeUnit.MILLISECONDS)
                    || !over.await(patienceMillis, TimeUnit.MILLISECONDS)) {
                overdue.run();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody does
        }
    }
}
