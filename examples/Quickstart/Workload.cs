namespace Quickstart;

/// <summary>A question and what the local endpoint answers. With <c>--live</c> the model answers instead.</summary>
internal sealed record Question(string Prompt, string Answer);

/// <summary>Twelve calls of one feature: a few questions, asked in an order in which the popular ones come back.</summary>
/// <param name="Name">What the report calls it.</param>
/// <param name="Feature">What the ledger calls it.</param>
/// <param name="System">The system prompt, when the feature has one.</param>
/// <param name="Order">One letter a call: A asks the first question, B the second. A letter that comes back is a hit.</param>
/// <param name="Questions">The distinct questions.</param>
internal sealed record Scenario(string Name, string Feature, string? System, string Order, Question[] Questions)
{
    public IEnumerable<Question> Calls => Order.Select(letter => Questions[letter - 'A']);

    public int ExpectedHits => Order.Length - Order.Distinct().Count();
}

internal static class Workload
{
    public static int CallCount => Scenarios.Sum(scenario => scenario.Order.Length);

    public static IReadOnlyCollection<Question> Questions => [.. Scenarios.SelectMany(scenario => scenario.Questions)];

    public static Scenario[] Scenarios { get; } =
    [
        new("Code review", "code-review",
            "You review C# pull requests. Name the defect, say what goes wrong in production, then give the smallest fix.",
            "ABACADBECABD",
        [
            new("""
                Review this change:
                + private async void OnOrderPlaced(object sender, OrderEventArgs e)
                + {
                +     await _mailer.SendConfirmationAsync(e.Order);
                + }
                """,
                """
                Defect: `async void`. When the mail server is down, the exception has no task to be stored in, so it is raised on the
                thread pool and ends the process; nobody can await or test the handler either. Smallest fix: keep the event handler, but
                catch and log inside it, or move the body into `async Task SendAsync(Order order)` and put the call behind a queue with
                retries. I would block the merge until the exception is handled.
                """),
            new("""
                Review this change:
                + var sql = $"SELECT * FROM customers WHERE email = '{email}'";
                + return await connection.QueryAsync<Customer>(sql);
                """,
                """
                Defect: SQL injection. An address such as `x' OR '1'='1` returns every customer, and the plan cache fills with one plan
                per address. Smallest fix: `QueryAsync<Customer>("SELECT id, name, email FROM customers WHERE email = @email", new { email
                })`. Also name the columns: `SELECT *` breaks the mapping silently when a column is added. Please add a test with a quote
                in the address.
                """),
            new("""
                Review this change:
                + if (subscription.EndsAt < DateTime.Now)
                +     subscription.Status = Status.Expired;
                """,
                """
                Defect: local time against a stored UTC instant. Subscriptions end up to fourteen hours early or late depending on the
                server's zone, and twice a year the daylight-saving hour is counted double. Smallest fix: take a `TimeProvider` in the
                constructor and compare with `clock.GetUtcNow()`; the test can then move the clock with `FakeTimeProvider` instead of
                sleeping.
                """),
            new("""
                Review this change:
                + public async Task<string> GetRateAsync(string pair)
                + {
                +     using var http = new HttpClient();
                +     return await http.GetStringAsync($"https://rates.example/{pair}");
                + }
                """,
                """
                Defect: one `HttpClient` per call. Each dispose leaves a socket in TIME_WAIT for minutes; under load the machine runs out
                of ports and every outgoing call fails. There is no timeout shorter than 100 seconds and no cancellation. Smallest fix:
                inject `IHttpClientFactory` (or a typed client) and pass a `CancellationToken`. Escape `pair` with `Uri.EscapeDataString`
                as well.
                """),
            new("""
                Review this change:
                + double total = 0;
                + foreach (var line in invoice.Lines)
                +     total += line.Quantity * line.UnitPrice;
                + invoice.Total = Math.Round(total, 2);
                """,
                """
                Defect: money in `double`. 0.1 + 0.2 is not 0.3 there, so totals drift and differ from what the customer adds up; banker's
                rounding hides it most days. Smallest fix: `decimal total`, a `decimal UnitPrice`, and one explicit rounding per line with
                the mode your tax rules prescribe, then sum the rounded lines. Add a test with three lines of 0.335.
                """),
        ]),

        new("Data analysis", "data-analysis",
            "You are a data analyst. Answer in at most five sentences and show the arithmetic.",
            "ABACDABCABDA",
        [
            new("""
                Orders per month: Jan 1200, Feb 1140, Mar 1390, Apr 1420, May 1385, Jun 1610.
                What is the average monthly growth rate?
                """,
                """
                From 1,200 to 1,610 orders in five steps the compound rate is (1610 / 1200)^(1/5) - 1 = 1.3417^0.2 - 1, about 6.1 % a
                month. The plain mean of the five monthly changes (-5.0 %, +21.9 %, +2.2 %, -2.5 %, +16.2 %) is 6.6 %, higher because it
                does not compound. Two of five months shrank, so treat either figure as a trend, not a forecast. With six points the June
                value alone moves the result by more than three percentage points.
                """),
            new("""
                Variant A: 4,210 visitors, 189 sign-ups. Variant B: 4,180 visitors, 231 sign-ups.
                Is B significantly better?
                """,
                """
                Rates: A 189 / 4210 = 4.49 %, B 231 / 4180 = 5.53 %, a difference of 1.04 points. Pooled rate 420 / 8390 = 5.01 %,
                standard error sqrt(0.0501 x 0.9499 x (1/4210 + 1/4180)) = 0.476 points, so z = 2.18 and the two-sided p is about 0.029.
                At the usual 5 % level B is better; the 95 % interval for the gain is roughly 0.1 to 2.0 points. If you looked at the
                result daily before stopping, the real error rate is higher.
                """),
            new("""
                Response times in ms: 112, 98, 105, 2300, 101, 99, 110, 97, 104, 1900.
                Which summary should I report?
                """,
                """
                Report the median and a high percentile, not the mean. The median is 104.5 ms; the mean is 502.6 ms, which no request
                actually took. Two of ten requests (2,300 and 1,900 ms) are about twenty times slower than the rest, so look for a timeout
                or a cold start rather than general slowness. With ten values a 95th percentile is not meaningful; collect a few hundred,
                then report p50, p95 and p99.
                """),
            new("""
                Churned customers by plan: Basic 48 of 600, Plus 30 of 500, Pro 9 of 300.
                What is the overall churn and which plan drives it?
                """,
                """
                Overall churn is (48 + 30 + 9) / (600 + 500 + 300) = 87 / 1400 = 6.2 %. By plan: Basic 8.0 %, Plus 6.0 %, Pro 3.0 %. Basic
                has 43 % of the customers but 55 % of the losses (48 of 87), so it drives the total. Bringing Basic down to the Plus rate
                would keep 12 customers and lower the overall churn to 5.4 %.
                """),
        ]),

        new("Content generation", "content", null, "ABACDBAECDAB",
        [
            new("Write a product description of at most 60 words for a steel water bottle, 750 ml, keeps drinks cold for 24 hours.",
                """
                Fill it in the morning, forget about it until tomorrow. The 750 ml bottle keeps water ice-cold for 24 hours behind two
                walls of brushed stainless steel, fits every cup holder and never sweats on your desk. No plastic taste, no drips, one lid
                you can open with a thumb. Made to be refilled a few thousand times.
                """),
            new("Give me three subject lines for an e-mail that tells customers about our new invoice export.",
                """
                1. Your invoices, now in one click (CSV, PDF and DATEV)
                2. Month-end just got shorter: invoice export is here
                3. Hand your accountant everything before the coffee is ready
                """),
            new("Turn this into a release note: fixed crash on startup when settings are empty; import 3x faster; dark mode for charts.",
                """
                **Charts go dark, imports go fast.** Charts now follow your dark theme. Importing a file takes about a third of the time
                it took before, so a large statement is ready while you watch. We also fixed a crash at start-up that some of you saw when
                the settings file was empty; your settings are recreated with their defaults and nothing else changes.
                """),
            new("Write a short post announcing that our office is now powered by its own solar panels.",
                """
                As of this week our office makes its own electricity: 84 panels on the roof, enough for the lights, the servers in the
                basement and the coffee machine that this company really runs on. On sunny weekends the surplus goes to the neighbourhood.
                It took fourteen months, two permits and one very patient electrician. If you are planning the same, ask us anything; we
                kept the spreadsheet.
                """),
            new("Suggest alt text for a photo: two engineers in front of a whiteboard full of sequence diagrams, one pointing at an arrow.",
                """
                Two engineers at a whiteboard covered in sequence diagrams; one points at the arrow between two services while the other
                takes notes.
                """),
        ]),

        new("Customer questions", "qa-support",
            """
            You answer customers of a bicycle shop. Facts: delivery takes 3 to 5 working days; returns are free within 30 days if unused;
            bicycles come 95 % assembled; the frame has a 10-year warranty, parts 2 years; the shop is closed on Sundays; repairs are
            booked on the website. Be friendly and brief. Never promise a date.
            """,
            "ABCADBEACFBD",
        [
            new("How long does delivery take?",
                """
                Delivery usually takes 3 to 5 working days from the moment your order is packed. You will get a message with a tracking
                link as soon as the parcel is on its way, so you can see where it is at any time.
                """),
            new("Can I send the helmet back if it does not fit?",
                """
                Of course. As long as the helmet is unused you can return it free of charge within 30 days. Please put it back into its
                box, print the label from your order page and hand it in at any parcel shop; the refund follows once it is back with us.
                """),
            new("Do I have to assemble the bike myself?",
                """
                Only a little. Your bike arrives 95 % assembled: turn the handlebar straight, fix it with the enclosed tool, and screw in
                the pedals. It takes about fifteen minutes and the printed guide shows each step. If you would rather not, book an
                assembly on our website.
                """),
            new("What does the warranty cover?",
                """
                The frame is covered for 10 years and all other parts for 2 years against defects in material and workmanship. Wear parts
                such as brake pads, tyres and chains are not defects, but we are happy to have a look; just send us a photo with your
                order number.
                """),
            new("Are you open on Sunday?",
                """
                We are closed on Sundays, sorry! You can order and book a repair on our website around the clock, and we answer messages
                again on Monday.
                """),
            new("My gears are slipping, what should I do?",
                """
                That is often just a cable that has settled. Try turning the barrel adjuster at the rear derailleur half a turn
                anticlockwise and test again. If the gears still slip, please book a repair on our website and mention when it happens;
                within two years a faulty part is covered by the warranty.
                """),
        ]),
    ];
}
