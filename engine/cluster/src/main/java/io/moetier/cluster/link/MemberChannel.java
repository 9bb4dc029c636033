package io.moetier.cluster.link;

import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioSocketChannel;
import io.moetier.cluster.membership.Identity;
import io.moetier.cluster.wire.Protocol;
import io.moetier.storage.thread.Uninterrupted;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/// A connection to another member's server, which is made when it is first needed, and again when it was lost.
///
/// Lifetime: owns one thread.
public final class MemberChannel implements AutoCloseable {
    private static final long CLOSE_SECONDS = 5;

    private final EventLoopGroup thread;
    private final ManagedChannel channel;

    /// @param name of the thread
    MemberChannel(String name, InetSocketAddress address, Identity identity) {
        thread = Streams.thread(name);
        channel = NettyChannelBuilder.forAddress(address)
                .sslContext(Tls.client(identity))
                .channelType(NioSocketChannel.class, InetSocketAddress.class)
                .withOption(ChannelOption.ALLOCATOR, Streams.ALLOCATOR)
                .eventLoopGroup(thread)
                .directExecutor()
                .decompressorRegistry(Streams.UNCOMPRESSED)
                .proxyDetector(target -> null)
                .disableRetry() // which would keep what was sent
                .disableServiceConfigLookUp()
                .flowControlWindow(Streams.WINDOW_BYTES)
                .maxInboundMessageSize(Protocol.MAX_BYTES)
                .maxInboundMetadataSize(Streams.HEADER_BYTES)
                .keepAliveTime(Streams.KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
                .keepAliveTimeout(Streams.SILENCE_SECONDS, TimeUnit.SECONDS)
                .build();
    }

    /// Returns a connection that is not made yet.
    ///
    /// @throws IOException if there is no such host
    public static MemberChannel to(String host, int port, Identity identity) throws IOException {
        return new MemberChannel("moetier-blocks-io " + host + ":" + port, resolved(host, port), identity);
    }

    static InetSocketAddress resolved(String host, int port) throws IOException {
        InetSocketAddress address = new InetSocketAddress(host, port);
        if (address.isUnresolved()) {
            throw new IOException(host + ": no such host");
        }
        return address;
    }

    /// Returns what calls are made over.
    public Channel channel() {
        return channel;
    }

    /// Cuts what is under way, and returns when the connection has ended.
    @Override
    public void close() {
        channel.shutdownNow();
        Uninterrupted.await(() -> channel.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS));
        Streams.end(thread);
    }
}
