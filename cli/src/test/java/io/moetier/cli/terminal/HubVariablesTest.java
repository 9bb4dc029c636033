package io.moetier.cli.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.hub.HubSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HubVariablesTest {
    @TempDir
    Path home = Path.of("");

    private HubVariables variables(String... namesAndValues) {
        Map<String, String> variables = new HashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            variables.put(namesAndValues[i], namesAndValues[i + 1]);
        }
        return new HubVariables(new Surroundings(variables, home, ""));
    }

    @Test
    void theCacheIsWhereTheHubsToolsHaveIt() {
        assertEquals(home.resolve(".cache/huggingface/hub"), cache());
        assertEquals(Path.of("/x/huggingface/hub"), cache("XDG_CACHE_HOME", "/x"));
        assertEquals(Path.of("/h/hub"), cache("HF_HOME", "/h", "XDG_CACHE_HOME", "/x"));
        assertEquals(Path.of("/c"), cache("HF_HUB_CACHE", "/c", "HF_HOME", "/h"));
        assertEquals(home.resolve("c"), cache("HUGGINGFACE_HUB_CACHE", "~/c"));
    }

    private Path cache(String... namesAndValues) {
        return variables(namesAndValues).places().hub().folder();
    }

    @Test
    void othersFoldersAreWhereTheyPutThem() {
        assertEquals(
                home.resolve(".ollama/models"), variables().places().ollama().getFirst());
        assertEquals(
                List.of(Path.of("/o")),
                variables("OLLAMA_MODELS", "/o").places().ollama());
        assertEquals(
                List.of(home.resolve(".lmstudio/models"), home.resolve(".cache/lm-studio/models")),
                variables().places().lmStudio());
    }

    @Test
    void aFileWithATokenThatIsNoTextIsNamed() throws IOException {
        Path file = Files.write(home.resolve("token"), new byte[] {'h', 'f', '_', (byte) 0xff});
        HubVariables variables = variables("HF_TOKEN_PATH", file.toString());
        assertEquals(
                file + ": cannot be read: not UTF-8 text",
                Objects.requireNonNull(assertThrows(UncheckedIOException.class, variables::settings)
                                .getCause())
                        .getMessage());
    }

    @Test
    void theTokenIsAVariableOrAFile() throws IOException {
        assertEquals(Optional.empty(), variables().settings().token());
        Path kept = Files.writeString(
                Files.createDirectories(home.resolve(".cache/huggingface")).resolve("token"), "k\n");
        assertEquals(Optional.of("k"), variables().settings().token());
        Path other = Files.writeString(kept.resolveSibling("other"), "o");
        assertEquals(
                Optional.of("o"),
                variables("HF_TOKEN_PATH", other.toString()).settings().token());
        assertEquals(Optional.of("v"), variables("HF_TOKEN", "v").settings().token());
        assertEquals(Optional.of("k"), variables("HF_TOKEN", " ").settings().token());
        assertEquals(
                Optional.of("w"),
                variables("HF_TOKEN", " ", "HUGGING_FACE_HUB_TOKEN", "w")
                        .settings()
                        .token());
        assertEquals(
                Optional.of("v"),
                variables("HF_TOKEN", "v", "HUGGING_FACE_HUB_TOKEN", "w")
                        .settings()
                        .token());
        assertThrows(
                IllegalArgumentException.class,
                () -> variables("HF_TOKEN", "a b").settings());
    }

    @Test
    void theHubIsAnotherOrNotAsked() {
        assertEquals(HubSettings.PUBLIC, variables().settings().endpoint());
        assertEquals(
                URI.create("https://m.example/hf"),
                variables("HF_ENDPOINT", "https://m.example/hf/").settings().endpoint());
        for (String wrong : List.of("m.example", "ftp://m.example", "https://", "a b")) {
            assertThrows(
                    IllegalArgumentException.class,
                    () -> variables("HF_ENDPOINT", wrong).settings(),
                    wrong);
        }
        assertTrue(variables("HF_HUB_OFFLINE", "true").settings().offline());
        assertFalse(variables("HF_HUB_OFFLINE", "0").settings().offline());
        assertTrue(variables("TRANSFORMERS_OFFLINE", "1").settings().offline());
        assertFalse(variables("HF_HUB_OFFLINE", "0", "TRANSFORMERS_OFFLINE", "1")
                .settings()
                .offline());
    }

    @Test
    void proxiesAreThoseOfTheVariables() {
        assertEquals("p:3128", proxy("https://huggingface.co", "HTTPS_PROXY", "http://p:3128"));
        assertEquals("p:8080", proxy("https://huggingface.co", "https_proxy", "p:8080", "HTTPS_PROXY", "q:1"));
        assertEquals("a:1080", proxy("https://huggingface.co", "ALL_PROXY", "http://a"));
        assertEquals("DIRECT", proxy("http://huggingface.co", "HTTPS_PROXY", "http://p:3128"));
        for (String without : List.of("*", "huggingface.co", ".co", "*.co", "x.y, huggingface.co")) {
            assertEquals("DIRECT", proxy("https://huggingface.co", "HTTPS_PROXY", "p:1", "NO_PROXY", without), without);
        }
        assertEquals("p:1", proxy("https://huggingface.co", "HTTPS_PROXY", "p:1", "NO_PROXY", "face.co"));
        assertThrows(
                IllegalArgumentException.class, () -> proxy("https://huggingface.co", "HTTPS_PROXY", "socks5://p:1"));
    }

    @Test
    void addressesAndNetworksAreReachedWithoutAProxyToo() {
        for (String without : List.of("10.1.2.3", "10.0.0.0/8", "x.y,10.1.2.2/31", "0.0.0.0/0")) {
            assertEquals("DIRECT", proxy("http://10.1.2.3:80", "HTTP_PROXY", "p:1", "NO_PROXY", without), without);
        }
        for (String without : List.of("10.1.2.4", "11.0.0.0/8", "10.1.2.3/33", "10.1.2.3/x", "::/0", "10.1.2.3/-1")) {
            assertEquals("p:1", proxy("http://10.1.2.3:80", "HTTP_PROXY", "p:1", "NO_PROXY", without), without);
        }
        for (String without : List.of("fd00::1", "[FD00:0::1]", "fc00::/7")) {
            assertEquals("DIRECT", proxy("http://[fd00::1]:80", "HTTP_PROXY", "p:1", "NO_PROXY", without), without);
        }
        assertEquals("p:1", proxy("http://m.example", "HTTP_PROXY", "p:1", "NO_PROXY", "0.0.0.0/0"));
    }

    private String proxy(String uri, String... namesAndValues) {
        Proxy proxy = variables(namesAndValues)
                .settings()
                .proxy()
                .select(URI.create(uri))
                .getFirst();
        return proxy.address() instanceof InetSocketAddress address
                ? address.getHostString() + ":" + address.getPort()
                : proxy.type().toString();
    }
}
