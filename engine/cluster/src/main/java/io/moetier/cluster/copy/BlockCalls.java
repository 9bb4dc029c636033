package io.moetier.cluster.copy;

import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/// The calls by which blocks cross between machines. What is asked stands in the headers, which are bounded; the caller
/// sends nothing else. The answer is raw bytes in pieces.
final class BlockCalls {
    static final String SERVICE = "moetier.Blocks";
    static final int MOST_PIECE_BYTES = 1 << 20;

    /// Answers with the packed ids of the experts that are there, four bytes each, the lowest byte first.
    static final MethodDescriptor<byte[], byte[]> LIST = method("list");

    /// Answers with the block of an expert.
    static final MethodDescriptor<byte[], byte[]> READ = method("read");

    /// The digest of a model's experts.
    static final Metadata.Key<String> MODEL = Metadata.Key.of("moetier-model", Metadata.ASCII_STRING_MARSHALLER);

    /// The packed id of an expert.
    static final Metadata.Key<String> EXPERT = Metadata.Key.of("moetier-expert", Metadata.ASCII_STRING_MARSHALLER);

    private BlockCalls() {}

    private static MethodDescriptor<byte[], byte[]> method(String name) {
        return MethodDescriptor.<byte[], byte[]>newBuilder(Piece.INSTANCE, Piece.INSTANCE)
                .setType(MethodType.BIDI_STREAMING) // which lets the caller send no message at all
                .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, name))
                .build();
    }

    private enum Piece implements MethodDescriptor.Marshaller<byte[]> {
        INSTANCE;

        @Override
        public InputStream stream(byte[] piece) {
            return new ByteArrayInputStream(piece);
        }

        /// @throws IllegalArgumentException if the piece is too large, which ends the call
        @Override
        public byte[] parse(InputStream in) {
            try {
                byte[] piece = in.readNBytes(MOST_PIECE_BYTES + 1);
                if (piece.length > MOST_PIECE_BYTES) {
                    throw new IllegalArgumentException("a piece of a block has more than a mebibyte");
                }
                return piece;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
