package io.moetier.cluster.membership.jgroups;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.jgroups.util.DefaultSocketFactory;

/// Makes the connections that JGroups asks for: all of TLS, both sides known, and the one door that is open already.
final class MemberSockets extends DefaultSocketFactory {
    private final SSLContext context;
    private final GuardedServerSocket door;

    MemberSockets(SSLContext context, GuardedServerSocket door) {
        super(context);
        this.context = context;
        this.door = door;
    }

    /// Returns a socket that is not connected yet. If the other side takes the connection and then says nothing, it is
    /// closed: JGroups itself would wait for ever.
    @Override
    public Socket createSocket(String service) throws IOException {
        SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket();
        CountDownLatch proven = new CountDownLatch(1);
        socket.addHandshakeCompletedListener(done -> proven.countDown());
        Thread.ofVirtual().start(() -> {
            try {
                if (!proven.await(GuardedServerSocket.PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                    socket.close();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (IOException e) {
                // it is closed as far as it can be
            }
        });
        return socket;
    }

    @Override
    public ServerSocket createServerSocket(String service) {
        return door;
    }
}
