package io.moetier.cluster.copy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.moetier.storage.expert.StoreManifest;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// How long others are waited for, without a network.
@Timeout(600)
class RemoteBlocksTest {
    private static final SampleModel MODEL = new SampleModel(7, 2);
    private static final int ID = MODEL.ids()[0];
    private static final Duration PATIENCE = Duration.ofMillis(5);
    private static final int PIECES = 5;

    @TempDir
    private Path scratch;

    private StoreManifest manifest;

    @BeforeEach
    void writes() throws IOException {
        manifest = MODEL.write(scratch.resolve("whole.mtier"));
    }

    /// Somebody who answers a call within what asks for pieces, one after the other, and ends it at its deadline.
    private static final class Answering extends Channel {
        private final byte[] block;
        private final int mostPieces;
        private final Runnable beforePiece;
        private boolean cancelled;

        /// @param mostPieces after which nothing comes
        Answering(byte[] block, int mostPieces, Runnable beforePiece) {
            this.block = block;
            this.mostPieces = mostPieces;
            this.beforePiece = beforePiece;
        }

        @Override
        public String authority() {
            return "nobody";
        }

        @Override
        @SuppressWarnings("unchecked") // all calls have bytes
        public <Q, A> ClientCall<Q, A> newCall(MethodDescriptor<Q, A> method, CallOptions options) {
            return (ClientCall<Q, A>) new Call(options.getDeadline());
        }

        private final class Call extends ClientCall<byte[], byte[]> {
            private final @Nullable Deadline deadline;
            private @Nullable Listener<byte[]> listener;
            private int sent;

            Call(@Nullable Deadline deadline) {
                this.deadline = deadline;
            }

            @Override
            public void start(Listener<byte[]> told, Metadata headers) {
                listener = told;
            }

            @Override
            public void request(int count) {
                for (int i = 0; i < count; i++) {
                    piece(Objects.requireNonNull(listener));
                }
            }

            private void piece(Listener<byte[]> told) {
                if (sent == mostPieces) {
                    return;
                }
                beforePiece.run();
                if (deadline != null && deadline.isExpired()) {
                    told.onClose(Status.DEADLINE_EXCEEDED, new Metadata());
                    return;
                }
                IntUnaryOperator end = piece -> piece * block.length / PIECES;
                told.onMessage(Arrays.copyOfRange(block, end.applyAsInt(sent), end.applyAsInt(sent + 1)));
                sent++;
                if (sent == PIECES) {
                    told.onClose(Status.OK, new Metadata());
                }
            }

            @Override
            public void cancel(@Nullable String message, @Nullable Throwable cause) {
                cancelled = true;
            }

            @Override
            public void halfClose() {}

            @Override
            public void sendMessage(byte[] message) {}
        }
    }

    private RemoteBlocks remote(Channel channel) {
        return new RemoteBlocks("node b", channel, manifest, PATIENCE);
    }

    private static void outlastPatience() {
        long start = System.nanoTime();
        while (System.nanoTime() - start <= PATIENCE.toNanos()) {
            Thread.onSpinWait();
        }
    }

    @Test
    void aBlockMayTakeLongAsLongAsPiecesCome() throws IOException {
        MODEL.assertReads(remote(new Answering(MODEL.block(ID), PIECES, RemoteBlocksTest::outlastPatience)), ID);
    }

    @Test
    void whoSendsNothingMoreIsGivenUp() {
        for (int sent = 0; sent < PIECES; sent++) {
            Answering silent = new Answering(MODEL.block(ID), sent, () -> {});
            IOException failure = assertThrows(IOException.class, () -> MODEL.assertReads(remote(silent), ID));
            assertEquals("nothing came for 0 s", failure.getMessage());
            assertTrue(silent.cancelled);
        }
    }
}
