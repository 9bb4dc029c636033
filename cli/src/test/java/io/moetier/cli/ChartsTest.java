package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The pages with charts in a real browser.
class ChartsTest {
    /// The charts whose canvases show more than a background and one colour.
    private static final String DRAWN = """
            [...document.querySelectorAll('.chart[id]')].filter(chart =>
              [...chart.querySelectorAll('canvas')].some(canvas => {
                const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                const colours = new Set();
                for (let i = 0; i < pixels.length; i += 4) {
                  if (pixels[i + 3] > 0) colours.add(pixels[i] << 16 | pixels[i + 1] << 8 | pixels[i + 2]);
                }
                return colours.size > 3;
              })).map(chart => chart.id).join(' ')
            """;

    private static final int PAPER = 718; // pixels of the width of A4 between margins

    private static final String WIDTH = """
            (() => {
              const page = document.documentElement;
              return page.scrollWidth <= page.clientWidth ? 'fits' : page.scrollWidth + ' > ' + page.clientWidth;
            })()""";

    @TempDir
    Path directory = Path.of("");

    @Test
    void everyChartIsDrawnAndNothingFails() throws IOException, InterruptedException {
        Path report = report("--expert-bytes", "13.2MB");
        try (Browser browser = new Browser(Files.createDirectory(directory.resolve("browser")))) {
            browser.open(report);
            assertEquals("hits speeds reuse heat", browser.evaluate(DRAWN));
            assertEquals("budget lru lfu belady", browser.evaluate("""
                    [...document.querySelectorAll('#hits .u-series .u-label')].map(e => e.textContent).join(' ')"""));
            assertEquals("budget rtx3060 rtx3090 rtx4060ti rtx4090 rtx5090 h100", browser.evaluate("""
                    [...document.querySelectorAll('#speeds .u-series .u-label')].map(e => e.textContent).join(' ')"""));
            assertEquals("10", browser.evaluate("String(document.querySelectorAll('.chart:not([id]) tr').length)"));
            assertEquals(List.of(), browser.failures());
            assertTrue(
                    browser.requests().stream().allMatch(url -> url.matches("(file|data):.*")),
                    () -> browser.requests().toString());
        }
    }

    @Test
    void withoutSizesThereAreNoSpeeds() throws IOException, InterruptedException {
        Path report = report();
        try (Browser browser = new Browser(Files.createDirectory(directory.resolve("browser")))) {
            browser.open(report);
            assertEquals("hits reuse heat", browser.evaluate(DRAWN));
            assertEquals(List.of(), browser.failures());
        }
    }

    @Test
    void theReportOfATraceIsDrawnToo() throws IOException, InterruptedException {
        Path page = directory.resolve("trace.html");
        String trace = TestData.trace("deepseek-v2-lite_esft-translation_small").toString();
        CommandLineRun run = CommandLineRun.inProcess(
                directory.resolve("cache"), "trace", "show", trace, "--report", page.toString());
        assertEquals(0, run.exitCode(), run.err());
        assertTrue(run.out().contains("load-balancing loss"), run.out());
        try (Browser browser = new Browser(Files.createDirectory(directory.resolve("browser")))) {
            browser.open(page);
            assertEquals("entropy hits reuse heat", browser.evaluate(DRAWN));
            assertEquals("3", browser.evaluate("String(document.querySelectorAll('.chart:not([id]) table').length)"));
            assertEquals(List.of(), browser.failures());
        }
    }

    @Test
    void theHeatMapsOfAPromptAreDrawnToo() throws IOException, InterruptedException {
        Path page = directory.resolve("explained.html");
        String model = TestData.golden("jetmoe").toString();
        CommandLineRun run = CommandLineRun.inProcess(
                directory.resolve("cache"), "explain", model, "--ids", "5,6,7", "--report", page.toString());
        assertEquals(0, run.exitCode(), run.err());
        try (Browser browser = new Browser(Files.createDirectory(directory.resolve("browser")))) {
            browser.open(page);
            assertEquals("gate0 added0 gate1 added1 gate2 added2 gate3 added3", browser.evaluate(DRAWN));
            assertEquals("2", browser.evaluate("String(document.querySelectorAll('.chart:not([id]) table').length)"));
            assertEquals("token 2 7, expert 5: 54.6 %", browser.evaluate(titleAt("gate0", 2, 5)));
            assertEquals(List.of(), browser.failures());
            assertTrue(
                    browser.requests().stream().allMatch(url -> url.matches("(file|data):.*")),
                    () -> browser.requests().toString());
        }
    }

    @Test
    void whatSeesAndWhatReadsIsDrawn() throws IOException, InterruptedException {
        Path page = directory.resolve("explained.html");
        Path model = TestData.golden("qwen3_vl_moe");
        CommandLineRun run = CommandLineRun.inProcess(
                directory.resolve("cache"),
                "explain",
                model.toString(),
                "--image",
                model.resolve("image.png").toString(),
                "1 2 3",
                "--report",
                page.toString());
        assertEquals(0, run.exitCode(), run.err());
        try (Browser browser = new Browser(Files.createDirectory(directory.resolve("browser")))) {
            browser.open(page);
            assertEquals("modalities gate0 added0 gate1 added1 gate2 added2", browser.evaluate(DRAWN));
            assertEquals("2", browser.evaluate("String(document.querySelectorAll('.chart:not([id]) table').length)"));
            assertTrue(browser.evaluate(titleAt("modalities", 3, 2)).startsWith("layer 1, text, expert 2: "));
            assertTrue(browser.evaluate(titleAt("gate0", 1, 3)).startsWith("token 1 image, expert 3: "));
            assertEquals(List.of(), browser.failures());
        }
    }

    @Test
    void whereTheTimeGoesIsDrawn() throws IOException, InterruptedException {
        Path page = directory.resolve("profile.html");
        CommandLineRun run = CommandLineRun.inProcess(
                directory.resolve("cache"),
                "profile",
                TestData.tinyMixtral().toString(),
                "-p=8",
                "-n=4",
                "--budgets=25%",
                "--thread-counts=1,2",
                "--seconds=0.4",
                "--report",
                page.toString());
        assertEquals(0, run.exitCode(), run.err());
        try (Browser browser = new Browser(Files.createDirectory(directory.resolve("browser")))) {
            browser.open(page);
            assertEquals(
                    "roofline parts scaling timeline use found reads hitrates tokentimes memory",
                    browser.evaluate(DRAWN));
            assertTrue(
                    browser.evaluate("document.querySelector('p').textContent").startsWith("Prompts are computed"));
            assertEquals(List.of(), browser.failures());
            assertTrue(
                    browser.requests().stream().allMatch(url -> url.matches("(file|data):.*")),
                    () -> browser.requests().toString());
            assertFits(browser, page, 360);
            assertFits(browser, page, 1200);
        }
    }

    @Test
    void thePagesOfTuneAndExplainFitAPhoneToo() throws IOException, InterruptedException {
        Path explained = directory.resolve("explained.html");
        String model = TestData.golden("jetmoe").toString();
        CommandLineRun run = CommandLineRun.inProcess(
                directory.resolve("cache"), "explain", model, "--ids", "5,6,7", "--report", explained.toString());
        assertEquals(0, run.exitCode(), run.err());
        Path tuned = report("--expert-bytes", "13.2MB");
        try (Browser browser = new Browser(Files.createDirectory(directory.resolve("browser")))) {
            assertFits(browser, explained, 360);
            assertFits(browser, tuned, 360);
            assertEquals(List.of(), browser.failures());
        }
    }

    /// Checks that a page scrolls downwards alone on a screen so wide, and that no chart is wider than the
    /// paper when it is printed.
    private static void assertFits(Browser browser, Path page, int width) throws InterruptedException {
        browser.resize(width, 800, "screen");
        browser.open(page);
        assertEquals("fits", browser.evaluate(WIDTH));
        browser.resize(Math.max(width, PAPER), 1000, "print");
        assertEquals("fits", browser.evaluate(WIDTH));
    }

    /// Moves the mouse over a cell of a heat map and returns what is shown then.
    private static String titleAt(String id, int row, int column) {
        return """
                (() => {
                  const canvas = document.querySelector('#%s canvas');
                  const at = canvas.getBoundingClientRect();
                  const init = { clientX: at.left + 130 + (%d + 0.5) * 22, clientY: at.top + 20 + (%d + 0.5) * 22 };
                  canvas.dispatchEvent(new MouseEvent('mousemove', init));
                  return canvas.title;
                })()""".formatted(id, column, row);
    }

    private Path report(String... options) {
        Path page = directory.resolve("a report.html");
        String[] arguments = {
            "tune",
            TestData.trace("gpt-oss-20b_misc_small").toString(),
            "--policies",
            "lru,lfu,belady",
            "--budgets",
            "50%,12.5%,25%",
            "--report",
            page.toString()
        };
        String[] all = Arrays.copyOf(arguments, arguments.length + options.length);
        System.arraycopy(options, 0, all, arguments.length, options.length);
        CommandLineRun run = CommandLineRun.inProcess(directory.resolve("cache"), all);
        assertEquals(0, run.exitCode(), run.err());
        return page;
    }
}
