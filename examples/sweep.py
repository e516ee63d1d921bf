"""A sweep from Python: three concurrencies against the simulated service, a line for each.

    python examples/sweep.py

To measure your own service, put `url="http://localhost:8000"` in the place of `mock`.
"""

import fastbench as fb

for concurrency in (4, 16, 64):
    result = fb.run(
        mock={"ttft_ms": 60, "itl_ms": 5, "jitter": 0.1},
        input_len=256,
        output_len=32,
        num_prompts=8 * concurrency,
        concurrency=concurrency,
    )
    ttft, throughput = result["TTFT"], result.common["Output Token Throughput"]
    print(
        f"{concurrency:3} in flight: TTFT P99 {ttft['P99']:.1f} {ttft.unit}, "
        f"{throughput.value:.0f} {throughput.unit}, {result.verdict.word}"
    )
