package io.moetier.cluster.membership.jgroups;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;

/// A server socket whose connections have proven that they are members' before anybody hears of them.
///
/// Concurrency: a thread of its own takes connections, and each proves itself in a thread of its own, so that nobody
/// who is slow, silent or talks nonsense keeps others out, nor whoever calls [#accept]. So many at once may do so; who
/// comes then takes the place of the one that has been at it for longest. It is bound when it is made, and to bind it
/// again does nothing.
final class GuardedServerSocket extends ServerSocket {
    /// Far more than a member takes whose processors are all busy; a stranger who says nothing is gone then.
    static final Duration PATIENCE = Duration.ofSeconds(15);

    /// What a connection is for whose other side only asks whether it is taken for a member: the name of a
    /// protocol, which TLS carries (RFC 7301). The answer is needed, as the asking side of TLS 1.3 is done
    /// before its certificate is looked at.
    private static final String QUESTION = "moetier-member";

    private static final int YES = 1;
    private static final int BACKLOG = 50;
    private static final int MAX_UNPROVEN = 64;

    private final SSLContext context;
    private final LinkedHashSet<Socket> unproven = new LinkedHashSet<>(); // the oldest first; guarded by itself
    private final BlockingQueue<Optional<Socket>> proven = new LinkedBlockingQueue<>(); // empty: closed

    GuardedServerSocket(SSLContext context, InetSocketAddress address) throws IOException {
        this.context = context;
        super.bind(address, BACKLOG);
        Thread.ofPlatform().daemon().name("moetier-cluster-door").start(this::takeConnections);
    }

    /// Asks the member that `socket` is connected with whether it takes this process for one, too.
    ///
    /// @return false if the other side ends the connection without an answer: what it says against this
    ///     process may be lost with a connection that it resets
    /// @throws javax.net.ssl.SSLException if one of both does not take the other
    /// @throws java.net.SocketTimeoutException if there is no answer in the socket's time
    static boolean takes(SSLSocket socket) throws IOException {
        offerQuestion(socket);
        try {
            socket.startHandshake();
            return socket.getInputStream().read() == YES;
        } catch (SocketException e) {
            return false;
        }
    }

    /// Says whether the other side may be such a socket, by what [#takes] has heard of it: each of them knows the
    /// question, before it looks at who asks.
    static boolean isDoor(SSLSocket socket) {
        return !"".equals(socket.getApplicationProtocol());
    }

    private static void offerQuestion(SSLSocket socket) {
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setApplicationProtocols(new String[] {QUESTION});
        socket.setSSLParameters(parameters);
    }

    @Override
    public void bind(SocketAddress address) {}

    @Override
    public void bind(SocketAddress address, int backlog) {}

    @Override
    public Socket accept() throws IOException {
        try {
            Optional<Socket> next = proven.take();
            if (next.isEmpty()) {
                proven.add(next);
            }
            return next.orElseThrow(() -> new SocketException("closed"));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SocketException("interrupted");
        }
    }

    private void takeConnections() {
        while (!isClosed()) {
            try {
                Socket plain = super.accept();
                makeRoomFor(plain);
                Thread.ofVirtual().start(() -> watch(plain));
            } catch (IOException e) {
                pauseUnlessClosed(); // as without file descriptors, which others give back
            }
        }
    }

    private void makeRoomFor(Socket newest) throws IOException {
        synchronized (unproven) {
            unproven.add(newest);
            if (unproven.size() > MAX_UNPROVEN) {
                unproven.removeFirst().close();
            }
        }
    }

    private void pauseUnlessClosed() {
        try {
            if (!isClosed()) {
                Thread.sleep(Duration.ofMillis(100));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void watch(Socket plain) {
        try {
            Thread proof = Thread.ofVirtual().start(() -> prove(plain));
            if (!proof.join(PATIENCE)) {
                plain.close();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            // it is closed as far as it can be
        } finally {
            synchronized (unproven) {
                unproven.remove(plain);
            }
        }
    }

    private void prove(Socket plain) {
        try {
            SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(plain, null, true);
            offerQuestion(socket);
            socket.setNeedClientAuth(true);
            socket.startHandshake();
            if (socket.getApplicationProtocol().equals(QUESTION)) {
                socket.getOutputStream().write(YES);
                socket.close();
                return;
            }
            proven.add(Optional.of(socket));
            if (isClosed()) {
                socket.close();
            }
        } catch (IOException e) {
            try {
                plain.close();
            } catch (IOException again) {
                // it is closed as far as it can be
            }
        }
    }

    @Override
    public void close() throws IOException {
        super.close();
        for (Optional<Socket> left = proven.poll(); left != null; left = proven.poll()) {
            if (left.isPresent()) {
                left.get().close();
            }
        }
        proven.add(Optional.empty());
    }
}
