package io.moetier.cluster.link;

import io.grpc.Codec;
import io.grpc.DecompressorRegistry;
import io.grpc.Detachable;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.netty.shaded.io.netty.buffer.AbstractByteBufAllocator;
import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import io.grpc.netty.shaded.io.netty.buffer.ByteBufAllocator;
import io.grpc.netty.shaded.io.netty.buffer.PooledByteBufAllocator;
import io.grpc.netty.shaded.io.netty.buffer.UnpooledByteBufAllocator;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import java.io.InputStream;
import java.util.concurrent.TimeUnit;

/// The calls of gRPC that a link consists of. Their messages are streams of bytes as they are: what goes out is copied
/// once into the transport's memory, and what comes in stays in it until it is read.
final class Streams {
    static final String SERVICE = "moetier.Link";

    /// Messages both ways for as long as the link is there.
    static final MethodDescriptor<InputStream, InputStream> LINK = method("link");

    /// Nothing is compressed, so that a message is never larger than what came.
    static final DecompressorRegistry UNCOMPRESSED =
            DecompressorRegistry.emptyInstance().with(Codec.Identity.NONE, false);

    static final ByteBufAllocator ALLOCATOR = new Allocator();

    /// What a stream may hold that nobody has asked for yet.
    static final int WINDOW_BYTES = 4 << 20;
    static final int HEADER_BYTES = 8 << 10;
    static final long KEEP_ALIVE_SECONDS = 10; // gRPC knows no less at this side
    static final long SILENCE_SECONDS = 5;
    private static final long CLOSE_SECONDS = 5;

    private Streams() {}

    private static MethodDescriptor<InputStream, InputStream> method(String name) {
        return MethodDescriptor.<InputStream, InputStream>newBuilder(Bytes.INSTANCE, Bytes.INSTANCE)
                .setType(MethodType.BIDI_STREAMING)
                .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, name))
                .build();
    }

    /// Returns a thread that sends and receives.
    static EventLoopGroup thread(String name) {
        return new MultiThreadIoEventLoopGroup(
                1, Thread.ofPlatform().daemon().name(name).factory(), NioIoHandler.newFactory());
    }

    /// Ends such a thread.
    static void end(EventLoopGroup thread) {
        boolean ended = thread.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS)
                .awaitUninterruptibly(2 * CLOSE_SECONDS, TimeUnit.SECONDS);
        if (!ended) {
            throw new IllegalStateException("a thread of the network does not end");
        }
    }

    /// Each buffer beyond Java's heap has memory of its own. Where a record of TLS is damaged, the JDK (seen with 25)
    /// clears the memory that it was in from the beginning of the buffer's memory on: in a pool that has what other
    /// connections sent. Of arrays it clears what it should.
    private static final class Allocator extends AbstractByteBufAllocator {
        private final ByteBufAllocator pool = new PooledByteBufAllocator(false);
        private final ByteBufAllocator single = new UnpooledByteBufAllocator(true);

        @Override
        protected ByteBuf newHeapBuffer(int capacity, int maxCapacity) {
            return pool.heapBuffer(capacity, maxCapacity);
        }

        @Override
        protected ByteBuf newDirectBuffer(int capacity, int maxCapacity) {
            return single.directBuffer(capacity, maxCapacity);
        }

        @Override
        public boolean isDirectBufferPooled() {
            return false;
        }
    }

    private enum Bytes implements MethodDescriptor.Marshaller<InputStream> {
        INSTANCE;

        @Override
        public InputStream stream(InputStream outgoing) {
            return outgoing;
        }

        @Override
        public InputStream parse(InputStream incoming) {
            return incoming instanceof Detachable detachable ? detachable.detach() : incoming;
        }
    }
}
