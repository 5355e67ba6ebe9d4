import { useWords } from "../words";

/** A bar for each date, with gaps where nothing is. */

const HEIGHT = 70;
const DAY = 86_400_000;

export function Bars({ label, values }: { label: string; values: Record<string, number> }) {
  const words = useWords();
  const dates = Object.keys(values).sort();
  const first = dates[0];
  const last = dates.at(-1);
  if (!first || !last) return null;
  const days = Math.round((Date.parse(last) - Date.parse(first)) / DAY) + 1;
  const most = Math.max(...Object.values(values));
  const wide = Math.min(1, dates.length > 1 ? (days / dates.length > 5 ? 5 : 0.85) : 0.85);
  return (
    <figure className="bars">
      <svg viewBox={`0 0 ${Math.max(days, 14)} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${label}: ${words.number(most)}`}>
        {dates.map((date) => {
          const height = (values[date]! / most) * (HEIGHT - 2);
          return <rect key={date} x={(Date.parse(date) - Date.parse(first)) / DAY} y={HEIGHT - height} width={wide} height={height}><title>{`${date}: ${words.number(values[date]!)}`}</title></rect>;
        })}
      </svg>
      <figcaption><span>{first}</span><span>≤ {words.number(most)}</span><span>{last}</span></figcaption>
    </figure>
  );
}
